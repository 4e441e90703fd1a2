-- Who sees and writes which row of a registry that a team shares. Run by the owner after tables
-- were made or changed and store/data/unguard.sql took away what stood before. The login a session began with
-- (session_user) is what counts everywhere: neither `set role`, nor a view, nor a function
-- of somebody else makes a session see more.
-- Functions run with the rights of the owner and a fixed search path (PostgreSQL manual,
-- "Writing SECURITY DEFINER Functions Safely").

revoke create on schema public from public;

create table if not exists team (
  login text collate "C" primary key,
  role text not null
    check (role in ('province', 'prefecture', 'county', 'enterprise', 'auditor', 'public')),
  area text not null default '',
  party_id text not null default ''
);
-- the version in force of every record: what it is about, and so who sees it
create table if not exists record_scope (
  kind text collate "C", id text collate "C", version integer not null,
  mine_id text collate "C", party_id text collate "C", area text collate "C",
  primary key (kind, id)
);
create index if not exists record_scope_mine on record_scope (mine_id);
create index if not exists record_scope_party on record_scope (party_id);
alter table mine add column if not exists area text collate "C" not null default '';
alter table import_report add column if not exists login text not null default session_user;
alter table audit add column if not exists written xid8 default pg_current_xact_id();

-- Who is asking ------------------------------------------------------------------------------

create or replace function team_role() returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(
    (select role from team where login = session_user),
    case when pg_has_role(session_user,
      (select relowner from pg_class where oid = 'public.team'::regclass), 'member')
    then 'province' else '' end)
$$;

-- first digits of the codes of counties this login reaches; '' for all, none for nobody's
create or replace function team_reach() returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select case when team_role() in ('province', 'prefecture', 'county', 'auditor', 'public')
    then coalesce((select area from team where login = session_user), '') end
$$;

create or replace function team_party() returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select nullif(party_id, '') from team where login = session_user and role = 'enterprise'
$$;

create or replace function team_whole() returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select team_role() in ('province', 'auditor') and team_reach() = ''
$$;

create or replace function team_writes_whole() returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select team_role() = 'province' and team_reach() = ''
$$;

create or replace function team_government() returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select team_role() in ('province', 'prefecture', 'county')
$$;

-- What is theirs -----------------------------------------------------------------------------

-- 360700 is everything under 3607 (GB/T 2260: two digits a level, zeros below)
create or replace function team_code(unit text) returns text
language sql immutable set search_path = pg_catalog, public, pg_temp as $$
  select regexp_replace(unit, '(00)+$', '')
$$;

create or replace function team_party_mines() returns setof text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select mine_id from record_scope where party_id = team_party()
    and kind in ('duty', 'permit', 'work', 'rectification') and mine_id is not null
$$;

create or replace function team_mines() returns setof text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select mine_id from mine where starts_with(area, (select team_reach()))
  union select team_party_mines()
$$;

-- branch by branch, so that each finds its rows by an index
create or replace function team_records() returns table (kind text, id text)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
#variable_conflict use_column
declare
  my_role text := team_role();
  reach text := team_reach();
  party text := team_party();
begin
  if my_role = '' then
    return;
  end if;
  return query select s.kind, s.id from record_scope s where s.kind in ('unit', 'pack');
  if my_role in ('province', 'prefecture', 'county', 'auditor') then
    return query select s.kind, s.id from record_scope s
      where s.mine_id in (select team_mines());
    return query select s.kind, s.id from record_scope s where s.mine_id is null
      and coalesce(starts_with(s.area, reach) or starts_with(reach, s.area), true);
  elsif my_role = 'enterprise' then
    return query select s.kind, s.id from record_scope s where s.party_id = party;
    return query select s.kind, s.id from record_scope s
      where s.mine_id in (select team_mines()) and s.party_id is null and s.kind in
        ('damage', 'membership', 'evidence', 'event', 'service', 'observation', 'review',
          'survey', 'work');
  elsif my_role = 'public' then
    return query select s.kind, s.id from record_scope s where s.party_id is null and s.kind in
        ('damage', 'membership', 'programme', 'target', 'service', 'observation', 'review')
      and coalesce(s.mine_id in (select team_mines()), true);
  end if;
end $$;

create or replace function team_scope(
  kind text, about text, body text, out mine_id text, out party_id text, out area text)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  says jsonb := body;
begin
  party_id := nullif(says ->> 'party_id', '');
  area := team_code(nullif(says ->> 'unit_id', ''));
  mine_id := coalesce(nullif(about, ''),
    (select c.mine_id from claim c where c.claim_id = says ->> 'claim_id'),
    (select s.mine_id from record_scope s where s.kind = 'work' and s.id = says ->> 'work_id'));
end $$;

-- whether this login may append such a version; the one before it must be theirs too
create or replace function team_may_append(
  of_kind text, of_id text, number integer, about text, body text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  my_role text := team_role();
  reach text := team_reach();
  scope record;
  before record_scope;
begin
  select * into scope from team_scope(of_kind, about, body);
  select * into before from record_scope s where s.kind = of_kind and s.id = of_id;
  if my_role = 'enterprise' then
    return of_kind in ('evidence', 'work') and coalesce(
      scope.mine_id in (select team_mines())
      and coalesce(scope.party_id = team_party(), true)
      and (before.kind is null or before.mine_id in (select team_mines())
        and coalesce(before.party_id = team_party(), true)), false);
  end if;
  if not team_government() then
    return false;
  end if;
  -- sums over rows out of sight cannot be checked by who sees a part
  if of_kind in ('unit', 'pack', 'programme', 'target', 'fund', 'step', 'commitment', 'payment')
  then
    return false;
  end if;
  if before.kind is not null and not coalesce(
      before.mine_id in (select team_mines()), starts_with(before.area, reach), false) then
    return false;
  end if;
  if scope.mine_id is not null then
    return scope.mine_id in (select team_mines());
  end if;
  return coalesce(starts_with(scope.area, reach),
    number = 1 and of_kind in ('party', 'evidence'));
end $$;

-- What follows from what is written ----------------------------------------------------------

create or replace function team_area_of(stated text, outline geometry) returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(
    case when coalesce(stated, '') <> '' then
      (select max(c.county_code) from county c where stated in (c.county, c.county_code))
    else
      (select max(c.county_code) from county c where st_contains(c.geometry,
        st_pointonsurface(outline)))
    end, '')
$$;

create or replace function team_place_mine() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  new.area := team_area_of(new.county, new.geometry);
  return new;
end $$;
create trigger team_place_mine before insert or update on mine
  for each row execute function team_place_mine();

create or replace function team_place_mines() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    update mine set area = '' where county in (new.county, new.county_code)
      or coalesce(county, '') = '' and geometry && new.geometry;
  else
    update mine set area = '' where area = old.county_code;
  end if;
  return null;
end $$;
create trigger team_place_mines after insert or update or delete on county
  for each row execute function team_place_mines();

create or replace function team_keep_scope() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into record_scope as known
    select new.kind, new.id, new.version, s.mine_id, s.party_id, s.area
    from team_scope(new.kind, new.mine_id, new.body) s
  on conflict (kind, id) do update set version = excluded.version, mine_id = excluded.mine_id,
    party_id = excluded.party_id, area = excluded.area
    where known.version = excluded.version - 1;
  if not found then
    raise exception 'version % of % % does not follow the last one', new.version, new.kind, new.id
      using errcode = 'unique_violation';
  end if;
  return null;
end $$;
create trigger team_keep_scope after insert on record
  for each row execute function team_keep_scope();

-- nothing is written without its line in the audit log, by hand neither
create or replace function team_must_be_logged() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if (select written from audit order by number desc limit 1)
      is distinct from pg_current_xact_id() then
    raise exception 'a change of % needs its line in the audit log', tg_table_name
      using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;

-- The audit log: the database itself writes who, when and the hash ---------------------------

create or replace function team_json(value text) returns text
language sql immutable strict set search_path = pg_catalog, public, pg_temp as $$
  select case when to_json(value)::text ~ '^[ -~]*$' then to_json(value)::text else
    (select string_agg(case
      when ascii(c) < 127 then c
      when ascii(c) < 65536 then '\u' || lpad(to_hex(ascii(c)), 4, '0')
      else '\u' || to_hex(55296 + (ascii(c) - 65536) / 1024)
        || '\u' || to_hex(56320 + (ascii(c) - 65536) % 1024) end, '' order by place)
    from regexp_split_to_table(to_json(value)::text, '') with ordinality as one (c, place))
  end
$$;

create or replace function team_audit(what text, details text) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  before record;
  moment timestamptz := date_trunc('second', clock_timestamp());
  stamp text;
begin
  if team_role() not in ('province', 'prefecture', 'county', 'enterprise') then
    raise exception 'this login only reads' using errcode = 'insufficient_privilege';
  end if;
  perform pg_advisory_xact_lock(1380276804, 1);
  select number, at, chain into before from audit order by number desc limit 1;
  if moment < before.at::timestamptz - interval '5 minutes' then
    raise exception 'clock % before %',
      to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00'), before.at;
  end if;
  moment := greatest(moment, before.at::timestamptz);
  stamp := to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"');
  insert into audit (number, at, actor, action, detail, chain, written) values (
    coalesce(before.number, 0) + 1, stamp, session_user, what, details,
    left(encode(sha256(convert_to(
      '["' || coalesce(before.chain, '0000000000000000')
      || '",{"action":' || team_json(what) || ',"actor":' || team_json(session_user)
      || ',"at":' || team_json(stamp) || ',"detail":' || team_json(details) || '}]',
      'UTF8')), 'hex'), 16),
    pg_current_xact_id());
end $$;

-- Rows ---------------------------------------------------------------------------------------

do $$
declare
  one text;
begin
  -- the owner too, so that a view or function of the owner shows nobody more
  foreach one in array array['mine', 'claim', 'record', 'correction', 'import_report',
    'field_sample', 'field_plot', 'field_answer', 'county', 'scene', 'refusal', 'composite',
    'layer', 'setting', 'reported'] loop
    execute format('alter table %I enable row level security', one);
    execute format('alter table %I force row level security', one);
  end loop;
  -- functions of the owner read these for everybody
  foreach one in array array['audit', 'team', 'record_scope'] loop
    execute format('alter table %I enable row level security', one);
  end loop;
  -- what the whole registry rests on: read by all, written by the province
  foreach one in array array['county', 'scene', 'refusal', 'composite', 'layer', 'setting',
    'reported'] loop
    execute format('create policy sees on %I for select using ((select team_role()) <> '''')', one);
    execute format('create policy adds on %I for insert'
      ' with check ((select team_writes_whole()))', one);
    execute format('create policy changes on %I for update'
      ' using ((select team_writes_whole())) with check ((select team_writes_whole()))', one);
    execute format('create policy removes on %I for delete'
      ' using ((select team_writes_whole()))', one);
  end loop;
  foreach one in array array['mine', 'claim', 'record', 'correction', 'field_sample',
    'field_plot', 'field_answer'] loop
    execute format('create constraint trigger team_must_be_logged after insert or delete on %I'
      ' deferrable initially deferred for each row execute function team_must_be_logged()', one);
  end loop;
end $$;

create policy sees on mine for select using (
  starts_with(area, (select team_reach())) or mine_id in (select team_party_mines()));
create policy adds on mine for insert with check (
  (select team_government()) and starts_with(area, (select team_reach())));
create policy changes on mine for update using (
  (select team_government()) and starts_with(area, (select team_reach()))) with check (
  (select team_government()) and starts_with(area, (select team_reach())));
create policy removes on mine for delete using (
  (select team_government()) and starts_with(area, (select team_reach())));

create policy sees on claim for select using (
  (select team_whole()) or mine_id in (select team_mines()));
create policy adds on claim for insert with check (
  (select team_government())
  and ((select team_whole()) or mine_id in (select team_mines())));
create policy removes on claim for delete using (
  (select team_government())
  and ((select team_whole()) or mine_id in (select team_mines())));

create policy sees on record for select using (
  (select team_whole()) or (kind, id) in (select r.kind, r.id from team_records() r));
create policy adds on record for insert with check (
  -- a step of verification is taken in the role of the login
  (kind <> 'review' or (body::jsonb ->> 'role') is not distinct from (select team_role()))
  and ((select team_writes_whole()) or team_may_append(kind, id, version, mine_id, body)));

create policy sees on correction for select using (
  (select team_whole())
  or (select team_role()) <> 'public' and mine_id in (select team_mines()));
create policy adds on correction for insert with check (
  (select team_government())
  and ((select team_whole()) or mine_id in (select team_mines())));

create policy sees on field_plot for select using (
  (select team_whole())
  or (select team_role()) <> 'public' and mine_id in (select team_mines()));
create policy adds on field_plot for insert with check (
  (select team_government())
  and ((select team_whole()) or mine_id in (select team_mines())));
create policy sees on field_sample for select using (
  (select team_whole()) or sample_id in (select p.sample_id from field_plot p));
create policy adds on field_sample for insert with check ((select team_government()));
create policy sees on field_answer for select using (
  (select team_whole()) or plot_id in (select p.plot_id from field_plot p));
create policy adds on field_answer for insert with check (
  (select team_government())
  and ((select team_whole()) or plot_id in (select p.plot_id from field_plot p)));

create policy sees on import_report for select using (
  (select team_whole()) or login = session_user);
create policy adds on import_report for insert with check (
  login = session_user
  and (select team_role()) in ('province', 'prefecture', 'county', 'enterprise'));

create policy sees on audit for select using ((select team_whole()));
create policy sees on team for select using (
  (select team_whole()) or login = session_user);

-- Rows that were there before: placed and scoped as if they came now ---------------------------

update mine set area = team_area_of(county, geometry)
  where area is distinct from team_area_of(county, geometry);
delete from record_scope;
insert into record_scope
  select distinct on (r.kind, r.id) r.kind, r.id, r.version, s.mine_id, s.party_id, s.area
  from record r, team_scope(r.kind, r.mine_id, r.body) s
  order by r.kind, r.id, r.version desc;
