// The table of claims: filter, sort and page through the rows in #data.
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent), size = 50;
  var at = { claim: 0, mine: 1, name: 2, county: 3, year: 4, claimed: 5, restored: 6, low: 7,
             high: 8, verdict: 9, reason: 10, page: 11, claimPage: 12,
             dispute: 13 };
  var keys = { mine: at.mine, county: at.county, year: at.year, claimed: at.claimed,
               restored: at.restored, interval: at.low, verdict: at.verdict, reason: at.reason };
  var body = document.querySelector(".claims tbody"), chosen = data.rows, first = 0;
  var order = null, isUp = true;
  function byId(id) { return document.getElementById(id); }
  function element(name, className, children) {
    var made = document.createElement(name);
    if (className) made.className = className;
    (children || []).forEach(function (child) { made.append(child); });
    return made;
  }
  function pair(en, zh) {
    return [element("span", "en", [en]), element("span", "zh", [zh])];
  }
  function number(value, digits) {
    return Number(value.toFixed(digits)).toLocaleString("en-US",
      { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  function area(values) {
    if (values.some(function (value) { return value === null; })) return ["–"];
    function joined(factor, digits) {
      return values.map(function (value) { return number(value * factor, digits); }).join("–");
    }
    return [element("span", "ha", [joined(1, 2)]), element("span", "mu", [joined(15, 1)])];
  }
  function key(labels) { return element("span", "k", pair(labels[0], labels[1])); }
  function sign(name) {
    var drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    var use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    drawn.setAttribute("class", "sign");
    drawn.setAttribute("viewBox", "-1.5 -1.5 3 3");
    drawn.setAttribute("aria-hidden", "true");
    use.setAttribute("href", "#s-" + name);
    drawn.append(use);
    return drawn;
  }
  function line(row) {
    var link = element(row[at.page] === null ? "span" : "a", "", [row[at.name] || row[at.mine]]);
    var verdict = data.verdicts[row[at.verdict]], reason = data.reasons[row[at.reason]];
    if (row[at.page]) link.href = "mines/" + encodeURIComponent(row[at.page]);
    else if (row[at.page] === 0) link.href = "mines/" + encodeURIComponent(row[at.mine] + ".html");
    var claim = element(row[at.claimPage] === null ? "span" : "a", "", [row[at.claim]]);
    if (row[at.claimPage]) claim.href = "claims/" + encodeURIComponent(row[at.claimPage]);
    else if (row[at.claimPage] === 0) claim.href = "claims/" + encodeURIComponent(row[at.claim] + ".html");
    return element("tr", "", [
      element("td", "mine", [link, " ", element("small", "", [claim])]),
      element("td", "county", pair(data.counties[row[at.county]][0], data.counties[row[at.county]][1])),
      element("td", "year", [row[at.year] === null ? "–" : String(row[at.year])]),
      element("td", "claimed", [key(data.claimed)].concat(area([row[at.claimed]]))),
      element("td", "restored", [key(data.restored)].concat(area([row[at.restored]]))),
      element("td", "interval", row[at.low] === null ? [] : area([row[at.low], row[at.high]])),
      element("td", "verdict", [
        element("span", "tag", [sign(verdict[0])].concat(pair(verdict[1], verdict[2])))
      ].concat(row[at.dispute] ? [" ", element("strong", "dispute",
        pair.apply(null, data.disputes[row[at.dispute]]))] : [])),
      element("td", "reason", pair(reason[0], reason[1]))
    ]);
  }
  function show(from, count) {
    var pages = Math.max(1, Math.ceil(chosen.length / size));
    body.replaceChildren.apply(body, chosen.slice(from, from + count).map(line));
    byId("page-now").textContent = 1 + Math.floor(from / size);
    byId("page-last").textContent = pages;
    byId("previous").disabled = from === 0;
    byId("next").disabled = from + size >= chosen.length;
    document.querySelector(".pages").hidden = pages === 1;
  }
  function compare(a, b) {
    var x = a[keys[order]], y = b[keys[order]];
    if (order === "mine") { x = a[at.name] || a[at.mine]; y = b[at.name] || b[at.mine]; }
    if (order === "county") { x = data.counties[x][0]; y = data.counties[y][0]; }
    if (x === null || y === null) return (x === null) - (y === null);
    var sorted = typeof x === "string"
      ? x.localeCompare(y, "zh-Hans", { numeric: true }) : x - y;
    return isUp ? sorted : -sorted;
  }
  function choose() {
    var verdict = byId("by-verdict").value, county = byId("by-county").value;
    var text = byId("by-text").value.trim().toLowerCase(), total = 0;
    chosen = data.rows.filter(function (row) {
      return (verdict === "" || row[at.verdict] === Number(verdict)) &&
        (county === "" || row[at.county] === Number(county)) &&
        (text === "" || [row[at.claim], row[at.mine], row[at.name]].some(function (cell) {
          return cell.toLowerCase().indexOf(text) >= 0;
        }));
    });
    if (order) chosen.sort(compare);
    chosen.forEach(function (row) { total += row[at.claimed] || 0; });
    byId("sum-count").textContent = number(chosen.length, 0);
    byId("sum-area").replaceChildren.apply(byId("sum-area"),
      [element("span", "ha", [number(total, 1)]), element("span", "mu", [number(total * 15, 0)])]);
    document.querySelectorAll(".marks").forEach(function (layer) {
      var wanted = verdict === "" || layer.dataset.verdict === data.verdicts[Number(verdict)][0];
      layer.style.display = wanted ? "" : "none";
    });
    first = 0;
    show(0, size);
  }
  function options(select, all, entries) {
    var zh = window.reverdure.language() === "zh", kept = select.value;
    select.replaceChildren(new Option(all[zh ? 1 : 0], ""));
    entries.forEach(function (entry) { select.append(new Option(entry[zh ? 1 : 0], entry[2])); });
    select.value = kept;
  }
  function relabel() {
    options(byId("by-verdict"), data.anyVerdict, data.verdicts.map(function (verdict, i) {
      return [verdict[1], verdict[2], i];
    }));
    options(byId("by-county"), data.anyCounty, data.counties.map(function (county, i) {
      return [county[0], county[1], i];
    }));
    byId("by-text").placeholder = data.search[window.reverdure.language() === "zh" ? 1 : 0];
  }
  document.querySelectorAll(".claims th").forEach(function (heading) {
    var button = element("button", "", Array.from(heading.childNodes));
    button.type = "button";
    heading.append(button);
    button.addEventListener("click", function () {
      isUp = order === heading.dataset.column ? !isUp : true;
      order = heading.dataset.column;
      document.querySelectorAll(".claims th").forEach(function (other) {
        other.removeAttribute("aria-sort");
      });
      heading.setAttribute("aria-sort", isUp ? "ascending" : "descending");
      choose();
    });
  });
  function turn(by) {
    first += by;
    show(first, size);
    byId("claims").scrollIntoView();
  }
  byId("previous").addEventListener("click", function () { turn(-size); });
  byId("next").addEventListener("click", function () { turn(size); });
  byId("by-verdict").addEventListener("change", choose);
  byId("by-county").addEventListener("change", choose);
  byId("by-text").addEventListener("input", choose);
  document.querySelector(".filters").addEventListener("submit", function (event) {
    event.preventDefault();
  });
  document.addEventListener("reader", relabel);
  window.addEventListener("beforeprint", function () { show(0, 2000); });
  window.addEventListener("afterprint", function () { show(first, size); });
  document.querySelector(".filters").hidden = false;
  relabel();
  choose();
})();
