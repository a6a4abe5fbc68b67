// Decides on the permission requests of agents: allows tools that only read, denies `rm -rf`, and leaves other requests
// to a user.

// The tools that only read.
const READERS = ["Read", "Grep", "Glob"];

// A git command that only reads. Other characters could start a second command, and an option such as `--output` writes
// a file.
const GIT_READER = /^git (status|diff|log)( [A-Za-z0-9./_~][A-Za-z0-9./_~-]*)*$/;

// The command that is denied. A user decides about other ways to delete a folder.
const RM_RF = /(?<!\S)rm\s+-rf(?!\S)/;

const allow = (rule) => ({ outcome: { tag: "allow" }, rule });
const ask = () => ({ outcome: { tag: "ask" }, rule: undefined });

export const approval = {
  // Called before a user is asked. The permission's `input` contains all arguments of the tool, as JSON.
  decide({ tool, command }) {
    if (command === undefined) return READERS.includes(tool) ? allow("tools that only read") : ask();
    if (RM_RF.test(command)) {
      const why = "Delete single files, or ask a user to delete the folder."; // for the agent and the user
      return { outcome: { tag: "deny", val: why }, rule: "rm -rf" };
    }
    return GIT_READER.test(command) ? allow("git commands that only read") : ask();
  },
};
