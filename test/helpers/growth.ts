/**
 * How many times as long one piece of work of a size takes as `times` pieces of a part of it: about 1 where work grows
 * with its size, about `times` where it grows with its square. Measured by the processor's time, in which a busy machine
 * has little part, and the least of several tries, in which it has less.
 */
export async function growth(work: (size: number) => unknown, size: number, times = 16): Promise<number> {
  const part = Math.round(size / times);
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5; attempt++) {
    const parts = await processorTime(async () => {
      for (let i = 0; i < times; i++) await work(part);
    });
    const whole = await processorTime(() => work(size));
    least = Math.min(least, whole / parts);
  }
  return least;
}

async function processorTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
