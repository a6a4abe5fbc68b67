// The `{{name}}` persona, which gives an agent its instructions.

export const persona = {
  summaries() {
    return [{ name: "{{name}}", description: "Answers in three sentences at most" }];
  },

  // Called each time an agent with this persona starts. The settings may depend on the session.
  resolve(name, session) {
    const instructions =
      "Answer in three sentences at most, and say what you left out. " +
      `You work in ${session.folder}. Don't touch other folders.`;
    return { instructions, model: undefined, idleTimeout: 30n * 60n, greeting: undefined };
  },
};
