// Changes messages before an agent gets them: expands shortcuts such as `!tests`, and rejects private keys.

// The shortcuts, each with the text that replaces it.
const SHORTCUTS = new Map([
  ["!tests", "Run the tests, and fix what fails."],
  ["!review", "Review the changes since the last commit."],
]);

// The reason for a rejection, which the author sees.
const NO_KEYS = "It contains a private key. Save the key in a file, and name the file.";

export const filter = {
  // Called during the trial of a version. This filter sees all messages.
  kinds() {
    return ["*"];
  },

  // Called before the agent gets the message.
  prompt({ text }) {
    if (text.includes("PRIVATE KEY-----")) return { tag: "reject", val: NO_KEYS };
    const expanded = SHORTCUTS.get(text.trim());
    if (expanded === undefined) return { tag: "pass" };
    return { tag: "replace", val: { text: expanded, notice: `Sent: ${expanded}`, facts: [] } };
  },
};
