// Zoom and pan by changing the map's window; signs keep their size on the screen.
(function () {
  "use strict";
  var map = document.getElementById("mines"), whole = map.viewBox.baseVal, held = null;
  var full = { x: 0, y: 0, width: whole.width, height: whole.height };
  var scale = document.querySelector(".scale");
  var perKm = Number(scale.dataset.perKm), span = { width: full.width, x: 0, y: 0 };
  function draw() {
    var zoom = span.width / full.width, height = full.height * zoom;
    span.x = Math.min(Math.max(span.x, 0), full.width - span.width);
    span.y = Math.min(Math.max(span.y, 0), full.height - height);
    map.setAttribute("viewBox", [span.x, span.y, span.width, height].join(" "));
    map.style.setProperty("--z", Math.pow(zoom, 0.85));
    map.style.touchAction = zoom < 1 ? "none" : "";
    var most = 0.22 * span.width / perKm, power = Math.pow(10, Math.floor(Math.log10(most)));
    var length = [5, 2, 1].find(function (step) { return step * power <= most; }) * power;
    scale.firstElementChild.setAttribute("d", "M1,2v8H" + (1 + length * perKm / zoom) + "v-8");
    document.getElementById("length").textContent = Number(length.toPrecision(1));
  }
  document.querySelectorAll(".zoom button").forEach(function (button) {
    button.addEventListener("click", function () {
      var factor = Number(button.dataset.zoom), before = span.width;
      span.width = factor === 0 ? full.width
        : Math.min(Math.max(before * factor, full.width / 200), full.width);
      var shift = (before - span.width) / 2;
      span.x += shift;
      span.y += shift * full.height / full.width;
      draw();
    });
  });
  map.addEventListener("pointerdown", function (event) {
    held = { x: event.clientX, y: event.clientY, moved: false };
  });
  map.addEventListener("pointermove", function (event) {
    if (!held || event.buttons === 0) return;
    var step = span.width / map.clientWidth;
    if (Math.abs(event.clientX - held.x) + Math.abs(event.clientY - held.y) > 3) held.moved = true;
    if (!held.moved) return;
    span.x -= (event.clientX - held.x) * step;
    span.y -= (event.clientY - held.y) * step;
    held.x = event.clientX;
    held.y = event.clientY;
    draw();
  });
  map.addEventListener("click", function (event) {
    if (held && held.moved) event.preventDefault();
    held = null;
  }, true);
  map.addEventListener("dragstart", function (event) { event.preventDefault(); });
  draw();
})();
