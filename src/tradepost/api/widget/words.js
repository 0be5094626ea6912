// What the chat says. A shop gives its own words, in its own language, as JSON in the tag's data-words.
const WORDS = {
  open: "Chat with us",
  title: "Chat",
  close: "Close the chat",
  renew: "New conversation",
  person: "Ask for a person",
  log: "Conversation",
  welcome: "Hello! Ask about your orders, returns, products or our policies.",
  field: "Your message",
  send: "Send",
  you: "You",
  assistant: "Assistant",
  staff: "Our team",
  writing: "The assistant is writing …",
  helpful: "Helpful",
  unhelpful: "Not helpful",
  waiting: "A person of our team will answer here. They see what was said so far.",
  taken: "You are talking with a person of our team.",
  closed: "This conversation is closed. Your next message begins a new one.",
  lost: "The connection was lost. Trying again …",
  offline: "Your message could not be sent. Please check your connection and send it again.",
  wait: "That was a lot at once. Please send it again in {seconds} seconds.",
  long: "This message is too long. Please say it in fewer words.",
  tired: "This conversation has become too long. Begin a new one, or ask for a person.",
  shut: "The chat is closed just now. Please try again later.",
  signedOut: "Please sign in to the shop again to go on.",
  failed: "Something went wrong on our side. Please try again.",
};

// The words in a language ("de-AT" is "de"; English where it is none of ours), with the shop's own before them.
function wordsOf(given, language) {
  const known = { ...WORDS, ...LANGUAGES[language.toLowerCase().split("-")[0]] };
  try {
    return { ...known, ...(given ? JSON.parse(given) : {}) };
  } catch {
    console.error("tradepost chat: data-words is not JSON");
    return known;
  }
}
