import {
  type AvroField,
  type AvroNode,
  type AvroSchema,
  createType,
  type PrimitiveName,
  parseSchema,
  shortName,
} from './avro-schema.ts';
import { reason } from './errors.ts';

/** One `.avsc` file. */
export interface SchemaFile {
  /** Name of the folder. */
  readonly topic: string;
  /** Path for messages, e.g. `shipment-events/ShipmentBooked.avsc`. */
  readonly path: string;
  /** The parsed JSON. */
  readonly schema: unknown;
}

const HEADER = `// Generated from the .avsc files by \`walpost generate\`. Never edit this file.
import { defineContract } from '@walpost/kit/contract/contract';
`;

const PRIMITIVE_TYPES: Record<PrimitiveName, string> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
};

/** What a logical type annotates (Avro 1.12, "Logical Types"). Anywhere else every reader ignores it, and nobody is told. */
const LOGICAL_TYPES: Record<string, readonly string[]> = {
  decimal: ['bytes', 'fixed'],
  uuid: ['string', 'fixed'],
  duration: ['fixed'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  ...Object.fromEntries(
    ['timestamp', 'local-timestamp'].flatMap((name) =>
      ['millis', 'micros', 'nanos'].map((unit) => [`${name}-${unit}`, ['long']]),
    ),
  ),
};

/**
 * Writes the TypeScript side of the contract: an interface for every record, what the compiler is to know of
 * them, and `contract`, which carries the schemas themselves so that nothing reads `.avsc` files at run time.
 * @param files the schemas, in the order in which they are to appear
 * @returns the text of a project's `contract.generated.ts`
 * @throws Error when a schema is invalid, its name is not that of its file, or two records share a name but differ
 */
export function generateEvents(files: readonly SchemaFile[]): string {
  const declarations = new Map<string, Declaration>();
  const events = files.map((file) => {
    const node = parse(file);
    declare(node, file.path, declarations);
    return { ...file, fullName: node.name, name: shortName(node.name) };
  });
  const twice = events.find(
    (event, index) => events.findIndex((other) => other.name === event.name) !== index,
  );
  if (twice) throw new Error(`${twice.path}: another topic has an event ${twice.name}; names must be unique`);
  const topics = [...new Set(events.map((event) => event.topic))];
  const namesOf = (topic: string) =>
    events
      .filter((event) => event.topic === topic)
      .map(({ name }) => quote(name))
      .join(' | ');
  return [
    HEADER,
    ...[...declarations.values()].map((declaration) => declaration.text),
    "declare module '@walpost/kit/contract/contract' {",
    '  interface Register {',
    '    data: {',
    ...events.map(({ name }) => `      ${name}: ${name};`),
    '    };',
    '    topics: {',
    ...topics.map((topic) => `      ${quote(topic)}: ${namesOf(topic)};`),
    '    };',
    '  }',
    '}\n',
    '/** Every event with its topic and schema. */',
    'export const contract = defineContract([',
    ...events.map(
      ({ topic, name, fullName, schema }) =>
        `  { topic: ${quote(topic)}, name: ${quote(name)}, fullName: ${quote(fullName)},\n    schema: ${JSON.stringify(schema)} },`,
    ),
    ']);\n',
  ].join('\n');
}

interface Declaration {
  fullName: string;
  path: string;
  text: string;
}

function parse(file: SchemaFile) {
  let node: AvroNode;
  try {
    createType(file.schema as AvroSchema);
    node = parseSchema(file.schema);
    checkLogicalTypes(file.schema as RawNode, '');
  } catch (error) {
    throw new Error(`${file.path}: ${reason(error)}`, { cause: error });
  }
  if (node.kind !== 'record')
    throw new Error(`${file.path}: an event is a record, this is of kind ${node.kind}`);
  const expected = `${file.topic}/${shortName(node.name)}.avsc`;
  if (file.path !== expected)
    throw new Error(`${file.path}: the record ${node.name} belongs into ${expected}`);
  return node;
}

/** Of a schema's JSON what may hold a logical type, or parts that do. */
interface RawNode {
  name?: string;
  type?: string | RawNode;
  logicalType?: string;
  fields?: RawNode[];
  items?: RawNode;
  values?: RawNode;
}

/** @throws Error naming the field whose logical type would be ignored */
function checkLogicalTypes(node: RawNode | string | undefined, field: string): void {
  if (Array.isArray(node)) for (const branch of node) checkLogicalTypes(branch, field);
  if (typeof node !== 'object') return;
  const { type, logicalType = '', fields = [], items, values } = node;
  const bases = LOGICAL_TYPES[logicalType];
  if (bases && !bases.includes(String(type)))
    throw new Error(`field ${field}: a ${logicalType} is ${bases.join(' or ')}, and not ${String(type)}`);
  for (const each of fields) {
    if (each.logicalType !== undefined)
      throw new Error(
        `field ${each.name}: "logicalType" belongs into its type, as in "type": {"type": "long", "logicalType": "${each.logicalType}"}`,
      );
    checkLogicalTypes(each.type, String(each.name));
  }
  for (const part of [type, items, values]) checkLogicalTypes(part, field);
}

/** Adds the interfaces of a record and of what is nested in it; the inner ones first. */
function declare(
  node: AvroNode,
  path: string,
  declarations: Map<string, Declaration>,
  open: AvroNode[] = [],
): void {
  for (const part of partsOf(node)) {
    if (!open.includes(node)) declare(part, path, declarations, [...open, node]);
  }
  if (node.kind !== 'record') return;
  const name = shortName(node.name);
  const text = [
    ...comment(node.doc, ''),
    `export interface ${name} {`,
    ...node.fields.flatMap(property),
    '}\n',
  ].join('\n');
  const known = declarations.get(name);
  if (known && (known.fullName !== node.name || known.text !== text)) {
    throw new Error(
      `${path}: record ${node.name} differs from ${known.fullName} in ${known.path}; rename one of them`,
    );
  }
  if (!known) declarations.set(name, { fullName: node.name, path, text });
}

function partsOf(node: AvroNode): readonly AvroNode[] {
  switch (node.kind) {
    case 'array':
      return [node.items];
    case 'map':
      return [node.values];
    case 'union':
      return node.branches;
    case 'record':
      return node.fields.map((field) => field.type);
    default:
      return [];
  }
}

/** A field with a default may be left out by the one who writes; who reads always finds it. */
function property(field: AvroField): string[] {
  return [
    ...comment(field.doc, '  '),
    `  ${field.name}${field.hasDefault ? '?' : ''}: ${typeOf(field.type)};`,
  ];
}

function comment(doc: string | undefined, indent: string): string[] {
  return doc === undefined ? [] : [`${indent}/** ${doc.replaceAll('*/', '*\\/')} */`];
}

function typeOf(node: AvroNode): string {
  switch (node.kind) {
    case 'primitive':
      return PRIMITIVE_TYPES[node.type];
    case 'record':
      return shortName(node.name);
    case 'enum':
      return node.symbols.map(quote).join(' | ');
    case 'fixed':
      return 'Buffer';
    case 'array':
      return `${group(node.items)}[]`;
    case 'map':
      return `Record<string, ${typeOf(node.values)}>`;
    case 'union':
      return node.branches.map(typeOf).join(' | ');
  }
}

function group(node: AvroNode): string {
  return node.kind === 'union' || node.kind === 'enum' ? `(${typeOf(node)})` : typeOf(node);
}

function quote(text: string): string {
  return `'${text}'`;
}
