// Keeps language and unit: in the address for the next page, in the browser where it allows it.
(function () {
  "use strict";
  var root = document.documentElement, pick = { language: ["en", "zh"], unit: ["ha", "mu"] };
  root.classList.add("js");
  function stored() {
    try { return localStorage.getItem("reverdure") || ""; } catch (error) { return ""; }
  }
  function now(name) {
    return pick[name].find(function (id) { return document.getElementById(id).checked; });
  }
  function choose(state) {
    state.split(",").forEach(function (id) {
      if (["en", "zh", "ha", "mu"].indexOf(id) >= 0) document.getElementById(id).checked = true;
    });
  }
  function apply() {
    var state = now("language") + "," + now("unit");
    root.lang = now("language") === "zh" ? "zh-Hans" : "en";
    try { localStorage.setItem("reverdure", state); } catch (error) { /* the address keeps it */ }
    document.dispatchEvent(new CustomEvent("reader"));
  }
  var asked = location.hash.slice(1), isState = /^(en|zh),(ha|mu)$/;
  if (isState.test(asked)) choose(asked);
  else if (isState.test(stored())) choose(stored());
  else if (/^zh/i.test(navigator.language || "")) choose("zh,ha");
  document.querySelectorAll(".switch").forEach(function (input) {
    input.addEventListener("change", apply);
  });
  // a link learns the state just before it is followed: a map may hold ten thousand
  ["pointerdown", "focusin"].forEach(function (kind) {
    document.addEventListener(kind, function (event) {
      var link = event.target.closest("a[href*='.html']");
      if (link) link.setAttribute("href", link.getAttribute("href").split("#")[0] + "#" +
        now("language") + "," + now("unit"));
    });
  });
  window.reverdure = { language: function () { return now("language"); } };
  apply();
})();
