-- Takes away what store/data/team.sql puts in place, for as long as a migration changes tables
-- or rows are copied in; both happen in one transaction, so that nobody ever sees it.
do $$
declare
  one record;
begin
  for one in select c.relname, p.polname from pg_policy p join pg_class c on c.oid = p.polrelid
      where c.relnamespace = 'public'::regnamespace loop
    execute format('drop policy %I on %I', one.polname, one.relname);
  end loop;
  for one in select c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = 'public'::regnamespace and t.tgname like 'team\_%' loop
    execute format('drop trigger %I on %I', one.tgname, one.relname);
  end loop;
  for one in select relname from pg_class
      where relnamespace = 'public'::regnamespace and relrowsecurity loop
    execute format('alter table %I no force row level security', one.relname);
    execute format('alter table %I disable row level security', one.relname);
  end loop;
end $$;
