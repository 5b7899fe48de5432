const NAMED = 10;

/** The lines of a file that hold no record: how many, and the first few by number. */
export class Skips {
  count = 0;
  readonly named: { line: number; problem: string }[] = [];

  add({ line, problem }: { line: number; problem: string }): void {
    this.count += 1;
    if (this.named.length < NAMED) this.named.push({ line, problem });
  }
}
