// Decides permission requests from agents: allows read-only tools, denies `rm -rf`, and leaves all other requests to a
// user.

// The read-only tools.
const READERS = ["Read", "Grep", "Glob"];

// A read-only git command. Excludes other characters, which could start a second command, and options, because some of
// them, such as `--output`, write files.
const GIT_READER = /^git (status|diff|log)( [A-Za-z0-9./_~][A-Za-z0-9./_~-]*)*$/;

// The denied command. Other ways to delete a folder are left to a user.
const RM_RF = /(?<!\S)rm\s+-rf(?!\S)/;

const allow = (rule) => ({ outcome: { tag: "allow" }, rule });
const ask = () => ({ outcome: { tag: "ask" }, rule: undefined });

export const approval = {
  // Called before a user is asked. The permission's `input` contains all of the tool's arguments as JSON.
  decide({ tool, command }) {
    if (command === undefined) return READERS.includes(tool) ? allow("tools that only read") : ask();
    if (RM_RF.test(command)) {
      const why = "Delete single files, or ask a user to delete the folder."; // for the agent and the user
      return { outcome: { tag: "deny", val: why }, rule: "rm -rf" };
    }
    return GIT_READER.test(command) ? allow("git commands that only read") : ask();
  },
};
