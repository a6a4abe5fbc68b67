// Processes messages before an agent receives them: expands shortcuts such as `!tests`, and rejects private keys.

// The shortcuts and their replacement texts.
const SHORTCUTS = new Map([
  ["!tests", "Run the tests, and fix what fails."],
  ["!review", "Review the changes since the last commit."],
]);

// The rejection reason that the author sees.
const NO_KEYS = "It contains a private key. Save the key in a file, and name the file.";

export const filter = {
  // Called during a version's trial. This filter handles all messages.
  kinds() {
    return ["*"];
  },

  // Called before the agent receives the message.
  prompt({ text }) {
    if (text.includes("PRIVATE KEY-----")) return { tag: "reject", val: NO_KEYS };
    const expanded = SHORTCUTS.get(text.trim());
    if (expanded === undefined) return { tag: "pass" };
    return { tag: "replace", val: { text: expanded, notice: `Sent: ${expanded}`, facts: [] } };
  },
};
