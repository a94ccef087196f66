// The image under its overlay, with pan and zoom, and the circle that measures a cell.

const MOST = 64;

export class Viewer {
  /** What lies on the image: a canvas of the image's size, or nothing. */
  overlay;
  /** Called with the pixel under the pointer, or with nothing. */
  onHover = () => {};
  /** Called with the diameter that the circle shows. */
  onMeasure = () => {};

  #canvas;
  #ring;
  #image;
  /** Screen pixels of an image pixel, and where the image's corner lies. */
  #view = { scale: 1, x: 0, y: 0 };
  #circle = { x: 0, y: 0, diameter: 30 };
  #pointers = new Map();
  #drawn = 0;

  constructor(canvas, ring) {
    this.#canvas = canvas;
    this.#ring = ring;
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerleave", () => this.onHover());
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    ring.addEventListener("pointerdown", (event) => this.#drag(event));
    ring.addEventListener("keydown", (event) => this.#ringKey(event));
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** Shows an image; the view stays where it is if the size does. */
  show(bitmap) {
    const same = this.#image && this.#image.width === bitmap.width && this.#image.height === bitmap.height;
    this.#image?.close();
    this.#image = bitmap;
    if (same) return this.draw();
    this.overlay = undefined;
    this.fit();
    this.#circle.x = bitmap.width / 2;
    this.#circle.y = bitmap.height / 2;
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!this.#image || !width) return;
    const scale = Math.min(width / this.#image.width, height / this.#image.height, MOST) * 0.96;
    this.#view = { scale, x: (width - scale * this.#image.width) / 2, y: (height - scale * this.#image.height) / 2 };
    this.draw();
  }

  /** Zooms around a point of the screen: the middle where none is given. */
  zoom(factor, x = this.#canvas.clientWidth / 2, y = this.#canvas.clientHeight / 2) {
    const view = this.#view;
    const scale = Math.min(Math.max(view.scale * factor, 0.02), MOST);
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    this.draw();
  }

  /** Brings a pixel to the middle, close enough to see a cell. */
  center(x, y) {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = Math.max(this.#view.scale, 3);
    this.#view = { scale, x: width / 2 - scale * x, y: height / 2 - scale * y };
    this.draw();
  }

  /** Shows the circle, or hides it. */
  measure(on) {
    this.#ring.hidden = !on;
    this.draw();
    if (on) this.#ring.focus();
  }

  set diameter(diameter) {
    this.#circle.diameter = diameter;
    this.draw();
  }

  /** Draws with the next frame, however often it is asked for. */
  draw() {
    this.#drawn ||= requestAnimationFrame(() => {
      this.#drawn = 0;
      this.#draw();
    });
  }

  #draw() {
    const { scale, x, y } = this.#view;
    const ratio = devicePixelRatio;
    const context = this.#canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
    context.imageSmoothingEnabled = scale < 2;
    if (this.#image) context.drawImage(this.#image, 0, 0);
    if (this.overlay) context.drawImage(this.overlay, 0, 0);
    this.#place();
  }

  #place() {
    const { scale, x, y } = this.#view;
    const { diameter, ...center } = this.#circle;
    const style = this.#ring.style;
    style.width = style.height = `${diameter * scale}px`;
    style.left = `${x + scale * (center.x - diameter / 2)}px`;
    style.top = `${y + scale * (center.y - diameter / 2)}px`;
    this.#ring.setAttribute("aria-valuenow", diameter.toFixed(1));
    this.#ring.setAttribute("aria-valuetext", `${diameter.toFixed(1)} pixels`);
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#canvas;
    const first = this.#canvas.width === 0 || !this.#image;
    this.#canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.#canvas.height = Math.round(clientHeight * devicePixelRatio);
    if (first || this.#view.scale === 1) this.fit();
    else this.#draw();
  }

  /** The pixel of the image at a place of the screen. */
  #pixel({ offsetX, offsetY }) {
    const { scale, x, y } = this.#view;
    return [Math.floor((offsetX - x) / scale), Math.floor((offsetY - y) / scale)];
  }

  #wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / (event.deltaMode ? 30 : 400)), event.offsetX, event.offsetY);
  }

  #down(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, event);
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return this.onHover(this.#pixel(event));
    const others = [...this.#pointers.values()].filter(({ pointerId }) => pointerId !== event.pointerId);
    if (others.length) {
      const [other] = others;
      const distance = (to) => Math.hypot(to.offsetX - other.offsetX, to.offsetY - other.offsetY) || 1;
      this.zoom(distance(event) / distance(before), other.offsetX, other.offsetY);
    } else {
      this.#pan(event.offsetX - before.offsetX, event.offsetY - before.offsetY);
    }
    this.#pointers.set(event.pointerId, event);
  }

  #pan(x, y) {
    this.#view.x += x;
    this.#view.y += y;
    this.draw();
  }

  #key(event) {
    const step = 40;
    const actions = {
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
      0: () => this.fit(),
      ArrowLeft: () => this.#pan(step, 0),
      ArrowRight: () => this.#pan(-step, 0),
      ArrowUp: () => this.#pan(0, step),
      ArrowDown: () => this.#pan(0, -step),
    };
    if (event.ctrlKey || event.metaKey || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  #drag(event) {
    event.preventDefault();
    this.#ring.focus();
    this.#ring.setPointerCapture(event.pointerId);
    const resizes = event.target !== this.#ring;
    const start = { ...this.#circle, clientX: event.clientX, clientY: event.clientY };
    const move = ({ clientX, clientY }) => {
      const x = (clientX - start.clientX) / this.#view.scale;
      const y = (clientY - start.clientY) / this.#view.scale;
      if (resizes) return this.#measured(start.diameter + 2 * x);
      this.#circle.x = start.x + x;
      this.#circle.y = start.y + y;
      this.draw();
    };
    this.#ring.addEventListener("pointermove", move);
    this.#ring.addEventListener("lostpointercapture", () => this.#ring.removeEventListener("pointermove", move), { once: true });
  }

  #ringKey(event) {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    if (!event.shiftKey) return this.#measured(this.#circle.diameter + x - y);
    this.#circle.x += 5 * x;
    this.#circle.y += 5 * y;
    this.draw();
  }

  #measured(diameter) {
    this.diameter = Math.min(Math.max(diameter, 2), 2000);
    this.onMeasure(this.#circle.diameter);
  }
}
