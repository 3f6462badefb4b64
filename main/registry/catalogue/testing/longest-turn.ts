/**
 * Longest time that this thread computed in one turn, in milliseconds. What other processes take of the machine is no fault
 * of the program.
 */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  let before = process.threadCpuUsage();
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1_000);
    before = process.threadCpuUsage();
  };
  const timer = setInterval(look, 1);
  try {
    await work();
  } finally {
    // The turn in which the work ended counts too.
    look();
    clearInterval(timer);
  }
  return longestMs;
}
