// Decides when to stop idle agents: after their idle timeout, or earlier while memory is scarce.
// 64-bit numbers are BigInt.

// If less memory than this is free, in bytes, agents may idle only for `SHORT`.
const SCARCE = 1n << 30n;

// The idle timeout while memory is scarce, the review interval, and the minimum idle time for a notice, in seconds.
const SHORT = 60n;

const least = (a, b) => (a < b ? a : b);

export const lifecycle = {
  review({ session, idleFor, freeMemory }) {
    const limit = freeMemory < SCARCE ? least(SHORT, session.idleTimeout) : session.idleTimeout;
    const left = limit - idleFor;
    // Asks for a review soon, because memory may become scarce.
    return left > 0n ? { tag: "review-in", val: least(left, SHORT) } : { tag: "suspend" };
  },

  resumeNotice({ idleFor }) {
    const minutes = idleFor / 60n;
    return minutes ? `Good to see you again, after ${minutes} minute${minutes > 1n ? "s" : ""}.` : undefined;
  },
};
