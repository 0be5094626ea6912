// One chat on one page: which conversation it is, and what goes between the customer and the hub.
const OPEN_MARK = "tradepost-chat-open"; // so that it stays open from one page of the shop to the next
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

class Chat {
  #wire;
  #words;
  #view;
  #id = null;
  #state = "assistant";
  #watching = null;
  #begun = false;
  #resuming = null;
  #left = 0; // how often a conversation was left: what was asked for before counts no more
  #sending = false;
  #unsent = null; // {text, key}: sent again, it is the same message

  constructor(wire, words, language) {
    this.#wire = wire;
    this.#words = words;
    this.#view = new View(words, language, {
      toggle: () => (this.#view.isOpen ? this.close() : this.open()),
      close: () => this.close(),
      send: (text) => this.#send(text),
      person: () => this.#askForPerson(),
      renew: () => this.#renew(),
      judge: (turn, thumb) => this.#try(() => this.#post(`/${this.#id}/feedback`, { turn, thumb })),
    });
    document.body.append(this.#view.host);
    if (remembered()) this.open(false);
  }

  open(withFocus = true) {
    this.#view.open(withFocus);
    remember(true);
    if (!this.#begun) {
      this.#begun = true;
      this.#resuming = this.#try(() => this.#resume()).then((isGood) => (this.#begun = isGood));
    }
  }

  close() {
    this.#view.close();
    remember(false);
  }

  // The newest conversation goes on, wherever it was begun.
  async #resume() {
    const left = this.#left;
    const found = await this.#wire.json("GET", "?limit=1");
    const newest = found.items[0];
    if (newest && newest.state !== "closed" && !this.#id && left === this.#left) this.#watch(newest.id);
  }

  async #send(text) {
    if (this.#sending) return;
    this.#sending = true;
    this.#view.send.disabled = true;
    if (this.#unsent?.text !== text) this.#unsent = { text, key: newKey() };
    await this.#resuming;
    const isSent = await this.#try(async () => {
      const isNew = !this.#id || this.#state === "closed";
      if (isNew) this.#leave();
      const path = isNew ? "" : `/${this.#id}/messages`;
      const shown = await this.#post(path, { message: text }, this.#unsent.key);
      this.#take(shown);
      if (isNew) this.#watch(shown.id);
    }, this.#words.offline);
    if (isSent) {
      this.#unsent = null;
      this.#view.text.value = "";
    }
    this.#sending = false;
    this.#view.send.disabled = false;
  }

  #askForPerson() {
    return this.#try(async () => {
      await this.#resuming;
      if (!this.#id) this.#watch((await this.#post("", {})).id);
      this.#take(await this.#post(`/${this.#id}/person`, {}));
    });
  }

  #renew() {
    this.#leave();
    this.#view.text.focus();
  }

  #leave() {
    this.#left += 1;
    this.#watching?.abort();
    this.#watching = null;
    this.#id = null;
    this.#state = "assistant";
    this.#view.clear();
    this.#view.stand(this.#state);
  }

  #take(shown) {
    this.#id = shown.id;
    this.#state = shown.state;
    this.#view.stand(shown.state);
    for (const message of shown.messages) this.#view.put(message);
  }

  async #watch(id) {
    this.#watching?.abort();
    const watching = (this.#watching = new AbortController());
    this.#id = id;
    for (let pause = FIRST_PAUSE_MS; !watching.signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        for await (const event of this.#wire.events(id, watching.signal)) {
          if (watching.signal.aborted) return;
          pause = FIRST_PAUSE_MS;
          this.#hear(event);
        }
      } catch (error) {
        if (watching.signal.aborted) return;
        if (error.status === 404) return this.#leave();
        this.#view.say(error.status === 401 ? this.#words.signedOut : this.#words.lost);
      }
      await new Promise((resolve) => setTimeout(resolve, pause * (0.75 + Math.random() / 2)));
    }
  }

  #hear({ name, data }) {
    if (name === "conversation") {
      this.#view.say("");
      this.#take(data);
    } else if (name === "message") this.#view.put(data);
    else if (name === "delta") this.#view.add(data.turn, data.text);
  }

  #post(path, body, key = newKey()) {
    return this.#wire.json("POST", path, body, key);
  }

  // Do it, and say in plain words what went wrong. Whether it went well.
  async #try(doing, offline = this.#words.lost) {
    try {
      await doing();
      this.#view.say("");
      return true;
    } catch (error) {
      this.#view.say(this.#told(error, offline));
      return false;
    }
  }

  #told(error, offline) {
    if (!(error instanceof Trouble)) return offline;
    if (error.status === 429) return this.#words.wait.replace("{seconds}", String(error.retryAfter || 60));
    const words = { 400: "long", 401: "signedOut", 409: "shut", 413: "long", 422: "tired" };
    return this.#words[words[error.status] ?? "failed"];
  }
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}

function remember(isOpen) {
  try {
    if (isOpen) sessionStorage.setItem(OPEN_MARK, "1");
    else sessionStorage.removeItem(OPEN_MARK);
  } catch {
    // a page that may not remember begins with a closed chat
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(OPEN_MARK) !== null;
  } catch {
    return false;
  }
}

async function fromUrl(url) {
  const answer = await fetch(url, { method: "POST", credentials: "same-origin", cache: "no-store" });
  return answer.ok ? answer.json() : null;
}

const tag = document.currentScript;
const given = tag.dataset;
const source = given.tokenFunction ? () => window[given.tokenFunction]() : () => fromUrl(given.tokenUrl);
const begin = () => {
  const wire = new Wire(given.hub ?? new URL(tag.src).origin, source);
  const language = given.language || document.documentElement.lang || "en";
  const chat = new Chat(wire, wordsOf(given.words, language), language);
  window.tradepostChat = { open: () => chat.open(), close: () => chat.close() };
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
