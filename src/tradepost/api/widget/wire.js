// Talking to the hub as this customer. The shop gives the token; it is asked for again when it is about to end.
const RENEW_BEFORE_MS = 60_000;

class Trouble extends Error {
  constructor(status, code, retryAfter = 0) {
    super(code);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

class Wire {
  #base;
  #source;
  #token = null;
  #endsAt = Infinity;
  #asking = null;

  constructor(hub, source) {
    this.#base = `${hub}/api/v1/shopper/conversations`;
    this.#source = source;
  }

  async json(method, path, body, key) {
    const answer = await this.#fetch(method, path, body, { ...(key && { "idempotency-key": key }) });
    return answer.json();
  }

  // The events of a conversation: {name, data}, until the stream ends or the signal aborts it.
  async *events(id, signal) {
    const path = `/${encodeURIComponent(id)}/events`;
    const answer = await this.#fetch("GET", path, undefined, { accept: "text/event-stream" }, signal);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
        if (fields.event) yield { name: fields.event, data: JSON.parse(fields.data) };
      }
    }
  }

  async #fetch(method, path, body, headers, signal) {
    for (let again = false; ; again = true) {
      const token = await this.#current(again);
      const answer = await fetch(this.#base + path, {
        method,
        signal,
        headers: { ...headers, authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
        body: body && JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
      });
      if (answer.ok) return answer;
      if (answer.status === 401 && !again) continue;
      const problem = await answer.json().catch(() => ({}));
      throw new Trouble(answer.status, problem.code ?? "", Number(answer.headers.get("retry-after")) || 0);
    }
  }

  // One question at a time, however many wait for the answer.
  async #current(renewed) {
    if (this.#token && !renewed && Date.now() < this.#endsAt - RENEW_BEFORE_MS) return this.#token;
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask() {
    let given;
    try {
      given = await this.#source();
    } catch {
      given = null;
    }
    const token = typeof given === "string" ? given : given?.token;
    if (!token) {
      this.#token = null;
      throw new Trouble(401, "unauthenticated");
    }
    const endsAt = Date.parse(given.expires_at ?? "");
    this.#token = token;
    // A token for a shorter time than we renew before would be asked for at every step.
    this.#endsAt = endsAt > Date.now() + 2 * RENEW_BEFORE_MS ? endsAt : Infinity;
    return token;
  }
}
