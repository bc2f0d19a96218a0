import { setImmediate as turn } from 'node:timers/promises';
import { PgPreparedQuery } from 'drizzle-orm/pg-core';
import type postgres from 'postgres';
import { type AnyError, type Classified, causes, errorCode } from '../errors.ts';
import { framesOf, messageOf } from '../telemetry/describe-error.ts';

/** What the server or the driver says beside its message; nothing that a statement was given. */
const FIELDS = [
  'syscall',
  'severity',
  'routine',
  'schema_name',
  'table_name',
  'column_name',
  'constraint_name',
] as const;

/**
 * A statement that failed: what was said of it, without what it was given. The errors of driver and library carry the
 * parameters, which are what people have and what they write, in their messages and fields.
 */
export class StatementError extends Error {
  declare readonly code: string;

  constructor(error: unknown) {
    super(messageOf(error));
    const [own] = causes(error);
    // By this name a code is known to be a SQLSTATE.
    this.name = own?.name === 'PostgresError' ? 'PostgresError' : 'StatementError';
    this.code = errorCode(error);
    const frames = framesOf(error);
    if (!this.stack?.includes('\n    at async ') && frames)
      this.stack = `${this.name}: ${this.message}\n${frames}`;
    for (const field of FIELDS) {
      if (typeof own?.[field] === 'string') Object.assign(this, { [field]: own[field] });
    }
  }
}

/** Takes what a statement was given out of an error that has it; any other error stays as it is. */
export function withoutParameters(error: unknown): unknown {
  if (error instanceof StatementError) return error;
  const [own] = causes(error);
  const isOfStatement =
    own !== undefined &&
    (own.name === 'PostgresError' || 'query' in own || 'parameters' in own || 'params' in own);
  return isOfStatement ? new StatementError(error) : error;
}

// Drizzle (0.45) makes its error, whose message has the parameters, in this one place; there is no option to leave them out.
Object.assign(PgPreparedQuery.prototype, {
  async queryWithCache<T>(_statement: string, _parameters: unknown[], query: () => Promise<T>): Promise<T> {
    try {
      return await query();
    } catch (error) {
      throw withoutParameters(error);
    }
  },
});

/** A statement is sent in the life of its transaction, or not at all. */
export class TransactionEndedError extends Error implements Classified {
  override readonly name = 'TransactionEndedError';
  readonly code: string;
  readonly retryable: boolean;

  constructor(isClosed: boolean) {
    super(
      isClosed
        ? 'the connection of this transaction has ended; nothing of it was done'
        : 'this transaction has ended; a statement came after it: is an await missing?',
    );
    this.code = isClosed ? 'CONNECTION_CLOSED' : 'TRANSACTION_ENDED';
    this.retryable = isClosed;
  }
}

interface Scope {
  unsafe(...args: unknown[]): Statement;
  savepoint(work: Work): Promise<unknown>;
}
type Work = (scope: Scope) => Promise<unknown>;

/** The parts of the driver's query that show when it is sent, and how it ended. */
interface Statement {
  handler(statement: Statement): void;
  reject(error: unknown): void;
}

interface Life {
  /** What any further statement is refused with. */
  refusal?: TransactionEndedError;
  /** The driver has reported the transaction's end. While its work still goes on, that is the end of its connection. */
  isOver: boolean;
  /** The last failure that is not the consequence of another. */
  failure?: unknown;
}

const FAILED_TRANSACTION = '25P02';

/**
 * Has the transactions of a client keep to their own connection. The driver (postgres 3.4.9) reports a connection's end
 * at once, but goes on sending the statements of the transaction, its ROLLBACK or COMMIT included, to whatever session
 * that connection has next, in the middle of another transaction. Here they are refused, and the end is not sent.
 */
export function guardTransactions(client: postgres.Sql): postgres.Sql {
  const begin = client.begin as unknown as (work: Work) => Promise<unknown>;
  const guarded = async (work: Work): Promise<unknown> => {
    const life: Life = { isOver: false };
    const outcome = begin((scope) => live(life, scope, work, true));
    const end = () => {
      life.isOver = true;
      life.refusal ??= new TransactionEndedError(true);
    };
    // At once: an `await` would be a moment later.
    outcome.then(end, end);
    try {
      return await outcome;
    } catch (error) {
      throw withoutParameters(error);
    }
  };
  return Object.assign(client, { begin: guarded });
}

/** Does a transaction's work, or a savepoint's. Never ends when the connection has: the driver would send its end. */
async function live(life: Life, scope: Scope, work: Work, isWhole: boolean): Promise<unknown> {
  guard(life, scope);
  try {
    return await work(scope);
  } catch (error) {
    // The driver notifies the statement under way of a connection's end a moment before it notifies the transaction.
    await turn();
    throw errorCode(error) === FAILED_TRANSACTION ? withoutParameters(life.failure ?? error) : error;
  } finally {
    if (life.isOver) await new Promise(() => undefined);
    if (isWhole) life.refusal ??= new TransactionEndedError(false);
  }
}

function guard(life: Life, scope: Scope): void {
  const { unsafe, savepoint } = scope;
  scope.unsafe = (...args) => {
    const statement = unsafe(...args);
    const { handler, reject } = statement;
    statement.handler = (own) => (life.refusal ? own.reject(life.refusal) : handler(own));
    statement.reject = (error) => {
      if ((error as AnyError).code !== FAILED_TRANSACTION) life.failure = error;
      reject(error);
    };
    return statement;
  };
  scope.savepoint = async (work) => {
    if (life.refusal) throw life.refusal;
    return savepoint((inner) => live(life, inner, work, false));
  };
}
