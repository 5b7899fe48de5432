import type Database from 'libsql';
import type { Value } from './sqlite-rows.ts';

/** A connection's statements, each prepared when it is first needed, and its transactions. */
export class Statements {
  readonly #db: Database.Database;
  readonly #prepared = new Map<string, Database.Statement>();
  #afterCommit: (() => void)[] = [];

  constructor(db: Database.Database) {
    this.#db = db;
  }

  prepare(sql: string): Database.Statement {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  run(sql: string, values: readonly Value[] = []): Database.RunResult {
    return this.prepare(sql).run(values);
  }

  /** What is to be noted once the transaction that is under way is committed; nothing where it is not. */
  onCommit(note: () => void): void {
    this.#afterCommit.push(note);
  }

  /** All of the work is committed, or none of it and what went wrong is thrown. */
  inTransaction<Result>(work: () => Result): Result {
    this.#afterCommit = [];
    this.run('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.run('COMMIT');
      for (const note of this.#afterCommit) note();
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}
