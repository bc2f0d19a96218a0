import { type AvroField, type AvroNode, parseSchema, type RecordNode } from './avro-schema.ts';

/** The rule of Avro's schema resolution that a change breaks. */
export type Rule =
  | 'field-without-default'
  | 'ambiguous-alias'
  | 'type'
  | 'logical-type'
  | 'name'
  | 'enum-symbols'
  | 'union-branches'
  | 'fixed-size';

/** Who is hurt: `backward`, the new schema reading old data; `forward`, the old schema reading new data. */
export type Direction = 'backward' | 'forward' | 'both';

export interface Violation {
  /** E.g. `ShipmentBooked.items[].weight`; `[]` stands for an item, `{}` for a value of a map. */
  readonly path: string;
  readonly rule: Rule;
  readonly direction: Direction;
  /** What was changed, e.g. `type changed from int to string`. */
  readonly change: string;
  /** The whole finding in one line. */
  readonly message: string;
}

type Finding = Omit<Violation, 'message'>;

/**
 * Compares two versions of a schema by the rules of Avro 1.12, "Schema Resolution", in both directions.
 *
 * Stricter than the specification in two points: names are compared with their namespace (the subject contains it),
 * and a changed logical type counts (millis read as micros resolve, and are wrong).
 * @param oldSchema JSON of the version that is there
 * @param newSchema JSON of the version that is to come
 * @param version what to call the old schema in messages
 * @returns what breaks; empty when each version can read what the other wrote
 * @throws Error when one of them is not a valid Avro schema
 */
export function compare(oldSchema: unknown, newSchema: unknown, version = 'the old version'): Violation[] {
  const [before, after] = [parseSchema(oldSchema), parseSchema(newSchema)];
  const root = label(after);
  const backward = new Comparison('backward', version).read(after, before, root);
  const forward = new Comparison('forward', version).read(before, after, root);
  const same = (a: Finding) => (b: Finding) => a.path === b.path && a.change === b.change;
  const findings: Finding[] = [
    ...backward.map((found) =>
      forward.some(same(found)) ? { ...found, direction: 'both' as const } : found,
    ),
    ...forward.filter((found) => !backward.some(same(found))),
  ];
  const consequences = {
    backward: `the new schema cannot read data of ${version}`,
    forward: `a reader of ${version} cannot read new data`,
    both: `the new schema cannot read data of ${version}, nor a reader of ${version} new data`,
  };
  return findings.map((found) => ({
    ...found,
    message: `${found.path}: ${found.change}: ${consequences[found.direction]}`,
  }));
}

/** Promotions: what a reader of the key accepts besides its own type. */
const PROMOTED_FROM: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

class Comparison {
  private readonly direction: 'backward' | 'forward';
  private readonly version: string;
  /** Pairs being compared further up: a recursive schema comes back to them. */
  private readonly open = new Set<string>();

  constructor(direction: 'backward' | 'forward', version: string) {
    this.direction = direction;
    this.version = version;
  }

  /** Can the reader's schema read what the writer's wrote? */
  read(reader: AvroNode, writer: AvroNode, path: string): Finding[] {
    if (writer.kind === 'union')
      return writer.branches.flatMap((branch) => this.readBranch(reader, branch, path));
    if (reader.kind === 'union') return this.readBranch(reader, writer, path);
    if (reader.kind === 'primitive' && writer.kind === 'primitive') {
      const promoted = PROMOTED_FROM[reader.type]?.includes(writer.type);
      if (reader.type !== writer.type) return promoted ? [] : [this.typeChanged(reader, writer, path)];
      return this.logical(reader, writer, path);
    }
    if (reader.kind === 'array' && writer.kind === 'array') {
      return this.read(reader.items, writer.items, `${path}[]`);
    }
    if (reader.kind === 'map' && writer.kind === 'map') {
      return this.read(reader.values, writer.values, `${path}{}`);
    }
    if (reader.kind === 'record' && writer.kind === 'record') return this.record(reader, writer, path);
    if (reader.kind === 'enum' && writer.kind === 'enum') {
      const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
      if (missing.length === 0 || reader.default !== undefined) return this.names(reader, writer, path);
      const change = `${missing.length > 1 ? 'symbols' : 'symbol'} ${missing.join(', ')}`;
      return [
        ...this.names(reader, writer, path),
        this.violation(path, 'enum-symbols', {
          backward: `${change} removed from an enum without a default`,
          forward: `${change} added, and the enum has no default in ${this.version}`,
        }),
      ];
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed') {
      const names = this.names(reader, writer, path);
      if (reader.size === writer.size) return [...names, ...this.logical(reader, writer, path)];
      return [...names, this.changed(path, 'fixed-size', 'size', String(reader.size), String(writer.size))];
    }
    return [this.typeChanged(reader, writer, path)];
  }

  /** A writer's branch against a reader that may be a union: its first branch that can read it is taken. */
  private readBranch(reader: AvroNode, branch: AvroNode, path: string): Finding[] {
    if (reader.kind !== 'union') return this.read(reader, branch, path);
    const attempts = reader.branches.map((candidate) => ({
      candidate,
      violations: this.read(candidate, branch, path),
    }));
    if (attempts.some(({ violations }) => violations.length === 0)) return [];
    // The branch that is meant says more than "no branch fits".
    const meant = attempts.find(({ candidate }) => sameType(candidate, branch));
    if (meant) return meant.violations;
    return [
      this.violation(path, 'union-branches', {
        backward: `${label(branch)} is no longer one of the types (now ${label(reader)})`,
        forward: `${label(branch)} is new among the types (${label(reader)} in ${this.version})`,
      }),
    ];
  }

  private record(reader: RecordNode, writer: RecordNode, path: string): Finding[] {
    const pair = `${reader.name}:${writer.name}`;
    if (this.open.has(pair)) return [];
    this.open.add(pair);
    const fields = reader.fields.flatMap((field) => this.field(field, writer, `${path}.${field.name}`));
    this.open.delete(pair);
    return [...this.names(reader, writer, path), ...fields];
  }

  private field(field: AvroField, writer: RecordNode, path: string): Finding[] {
    const matches = writer.fields.filter(({ name }) => name === field.name || field.aliases.includes(name));
    const [match, second] = matches;
    if (match && second) {
      const names = matches.map(({ name }) => name).join(' and ');
      const change = `its name and aliases fit both ${names}`;
      return [this.violation(path, 'ambiguous-alias', { backward: change, forward: change })];
    }
    if (match) return this.read(field.type, match.type, path);
    if (field.hasDefault) return [];
    return [
      this.violation(path, 'field-without-default', {
        backward: 'added without a default',
        forward: `removed without a default in ${this.version}`,
      }),
    ];
  }

  private names(reader: Named, writer: Named, path: string): Finding[] {
    if (reader.name === writer.name || reader.aliases.includes(writer.name)) return [];
    return [this.changed(path, 'name', 'name', reader.name, writer.name, ' without an alias')];
  }

  private logical(reader: Logical, writer: Logical, path: string): Finding[] {
    const [now, then] = [logicalLabel(reader), logicalLabel(writer)];
    // Taken away or added it changes nothing in the bytes, and a reader that does not know it reads the plain type.
    if (now === undefined || then === undefined || now === then) return [];
    return [this.changed(path, 'logical-type', 'logical type', now, then)];
  }

  private typeChanged(reader: AvroNode, writer: AvroNode, path: string): Finding {
    return this.changed(path, 'type', 'type', label(reader), label(writer));
  }

  private changed(path: string, rule: Rule, what: string, reader: string, writer: string, end = '') {
    const [from, to] = this.direction === 'backward' ? [writer, reader] : [reader, writer];
    const change = `${what} changed from ${from} to ${to}${end}`;
    return this.violation(path, rule, { backward: change, forward: change });
  }

  private violation(path: string, rule: Rule, change: Record<'backward' | 'forward', string>): Finding {
    return { path, rule, direction: this.direction, change: change[this.direction] };
  }
}

interface Named {
  readonly name: string;
  readonly aliases: readonly string[];
}

interface Logical {
  readonly logicalType?: string;
  readonly precision?: number;
  readonly scale?: number;
}

function logicalLabel({ logicalType, precision, scale }: Logical): string | undefined {
  return logicalType === 'decimal' ? `decimal(${precision}, ${scale ?? 0})` : logicalType;
}

function sameType(a: AvroNode, b: AvroNode): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind === 'array' || a.kind === 'map' || label(a) === label(b);
}

function label(node: AvroNode): string {
  switch (node.kind) {
    case 'primitive':
      return node.type;
    case 'union':
      return `[${node.branches.map(label).join(', ')}]`;
    case 'array':
      return `array of ${label(node.items)}`;
    case 'map':
      return `map of ${label(node.values)}`;
    default:
      return node.name.slice(node.name.lastIndexOf('.') + 1);
  }
}
