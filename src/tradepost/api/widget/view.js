// What is on the screen. Whatever anybody wrote is put there as text, never as markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

class View {
  #words;
  #on;
  #shown = new Map();
  #small = matchMedia("(max-width: 30em)");

  constructor(words, language, on) {
    this.#words = words;
    this.#on = on;
    this.host = element("tradepost-chat", { lang: language });
    const root = this.host.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];

    this.launch = element(
      "button",
      { type: "button", class: "launch", "aria-expanded": "false", "aria-controls": "panel", onclick: on.toggle },
      words.open,
    );
    this.person = element("button", { type: "button", onclick: on.person }, words.person);
    this.renew = element("button", { type: "button", onclick: on.renew }, words.renew);
    this.log = element("div", { class: "log", role: "log", "aria-label": words.log, tabindex: "0" });
    this.welcome = element("p", { class: "welcome" }, words.welcome);
    this.state = element("p", { class: "state", role: "status" });
    this.alert = element("p", { class: "alert", role: "alert" });
    this.text = element("textarea", { id: "text", rows: "2", onkeydown: (event) => this.#key(event) });
    this.send = element("button", { type: "submit", class: "send" }, words.send);
    const close = element("button", { type: "button", class: "close", "aria-label": words.close, onclick: on.close }, "×");
    this.panel = element(
      "div",
      { id: "panel", class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
      element("div", { class: "head" }, element("h2", { id: "title" }, words.title), close),
      this.log,
      this.state,
      this.alert,
      element("form", { onsubmit: (event) => this.#submit(event) },
        element("label", { for: "text" }, words.field), this.text,
        element("div", { class: "buttons" }, this.person, this.renew, this.send)),
    );
    this.log.append(this.welcome);
    root.append(this.launch, this.panel);
    this.panel.addEventListener("keydown", (event) => this.#escapeOrTrap(event));
    this.#small.addEventListener("change", () => this.#modal());
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  open(withFocus) {
    this.panel.hidden = false;
    this.launch.setAttribute("aria-expanded", "true");
    this.#modal();
    if (withFocus) this.text.focus();
    this.#toEnd();
  }

  close() {
    const wasWithin = this.host.shadowRoot.activeElement !== null;
    this.panel.hidden = true;
    this.launch.setAttribute("aria-expanded", "false");
    if (wasWithin) this.launch.focus();
  }

  clear() {
    this.#shown.clear();
    this.log.replaceChildren(this.welcome);
    this.say("");
  }

  // Who answers; what goes with it is said to those who cannot see as well.
  stand(state) {
    const words = { waiting_for_person: this.#words.waiting, person: this.#words.taken, closed: this.#words.closed };
    this.#text(this.state, words[state] ?? "");
    this.person.hidden = state !== "assistant";
  }

  say(words) {
    this.#text(this.alert, words);
  }

  // Put a message where it belongs, or change it. An answer is read aloud once, when it is whole.
  put(message) {
    const known = this.#shown.get(message.id);
    if (known?.status === message.status && known.text === message.text) return;
    this.welcome.remove();
    const isNear = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    const made = this.#message(message);
    if (known) known.node.replaceWith(made.node);
    else this.log.append(made.node);
    this.#shown.set(message.id, made);
    if (isNear || message.author === "customer") this.#toEnd();
  }

  // Text that is being written to an answer.
  add(turn, text) {
    const found = this.#shown.get(`${turn}.answer`);
    if (found?.status !== "writing") return;
    if (!found.begun) found.body.textContent = "";
    found.begun = true;
    found.body.append(text);
    this.#toEnd();
  }

  #message({ author, text, status, turn }) {
    const who = { customer: this.#words.you, assistant: this.#words.assistant, person: this.#words.staff }[author];
    const isWriting = status === "writing";
    const body = element("p", { class: "text" }, isWriting ? this.#words.writing : text);
    const node = element(
      "div",
      { class: `message ${author} ${status}`, "aria-live": isWriting ? "off" : null },
      element("p", { class: "who" }, who),
      body,
    );
    if (author === "assistant" && status === "done") node.append(this.#opinion(turn));
    return { node, body, text, status, begun: false };
  }

  #opinion(turn) {
    const choose = (thumb) => (event) => {
      for (const one of event.target.parentNode.children) one.setAttribute("aria-pressed", one === event.target);
      this.#on.judge(turn, thumb);
    };
    const button = (words, thumb) =>
      element("button", { type: "button", "aria-pressed": "false", onclick: choose(thumb) }, words);
    return element("div", { class: "opinion" },
      button(this.#words.helpful, "up"), button(this.#words.unhelpful, "down"));
  }

  #text(place, words) {
    if (place.textContent !== words) place.textContent = words;
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  // On a small screen the chat covers the page, which cannot be reached then.
  #modal() {
    if (this.#small.matches) this.panel.setAttribute("aria-modal", "true");
    else this.panel.removeAttribute("aria-modal");
  }

  #escapeOrTrap(event) {
    event.stopPropagation(); // the shop's own shortcuts are not meant here
    if (event.key === "Escape") this.#on.close();
    if (event.key !== "Tab" || !this.#small.matches) return;
    const stops = [...this.panel.querySelectorAll("button, textarea, [tabindex]")].filter((one) => !one.hidden);
    const [first, last] = [stops[0], stops[stops.length - 1]];
    const at = this.host.shadowRoot.activeElement;
    if (event.shiftKey ? at === first : at === last) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  }

  #submit(event) {
    event.preventDefault();
    const text = this.text.value.trim();
    if (text) this.#on.send(text);
  }
}
