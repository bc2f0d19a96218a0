import avro from 'avsc';

/** An Avro schema as it is in an `.avsc` file. */
export type AvroSchema = avro.Schema;

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type PrimitiveName = (typeof PRIMITIVES)[number];

interface Logical {
  readonly logicalType?: string;
  readonly precision?: number;
  readonly scale?: number;
}

interface Named {
  /** Full name, namespace included. */
  readonly name: string;
  /** Full names. */
  readonly aliases: readonly string[];
  readonly doc?: string;
}

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc?: string;
  readonly hasDefault: boolean;
  readonly type: AvroNode;
}

export interface PrimitiveNode extends Logical {
  readonly kind: 'primitive';
  readonly type: PrimitiveName;
}
export interface RecordNode extends Named {
  readonly kind: 'record';
  readonly fields: AvroField[];
}
export interface EnumNode extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly default?: string;
}
export interface FixedNode extends Named, Logical {
  readonly kind: 'fixed';
  readonly size: number;
}
export interface ArrayNode {
  readonly kind: 'array';
  readonly items: AvroNode;
}
export interface MapNode {
  readonly kind: 'map';
  readonly values: AvroNode;
}
export interface UnionNode {
  readonly kind: 'union';
  readonly branches: readonly AvroNode[];
}

/** A schema with every name resolved; a recursive schema is a cyclic graph. */
export type AvroNode = PrimitiveNode | RecordNode | EnumNode | FixedNode | ArrayNode | MapNode | UnionNode;

/** The attributes of a schema object; avsc has checked them before we look. */
interface RawSchema extends Logical {
  type: RawType;
  name: string;
  namespace?: string;
  aliases?: string[];
  doc?: string;
  default?: unknown;
  fields: (Omit<RawSchema, 'type'> & { type: RawType })[];
  symbols: string[];
  size: number;
  items: RawType;
  values: RawType;
}
type RawType = string | RawType[] | RawSchema;

/**
 * The type that reads and writes values of one of our own schemas, as plain objects.
 * @throws Error when the schema is invalid, or has a union whose branches a plain value cannot tell apart
 */
export function createType(schema: AvroSchema): avro.Type {
  return avro.Type.forSchema(structuredClone(schema), { wrapUnions: 'never', omitRecordMethods: true });
}

/**
 * Resolves the names of a schema (namespaces as in Avro 1.12, "Names").
 * @param schema JSON of a schema: a name, an object or an array (union)
 * @throws Error when it is not a valid Avro schema, with avsc's reason
 */
export function parseSchema(schema: unknown): AvroNode {
  avro.Type.forSchema(structuredClone(schema) as AvroSchema);
  return resolve(schema as RawType, '', new Map());
}

function resolve(schema: RawType, namespace: string, names: Map<string, AvroNode>): AvroNode {
  if (Array.isArray(schema)) {
    return { kind: 'union', branches: schema.map((branch) => resolve(branch, namespace, names)) };
  }
  if (typeof schema === 'string') return reference(schema, namespace, names);
  switch (schema.type) {
    case 'array':
      return { kind: 'array', items: resolve(schema.items, namespace, names) };
    case 'map':
      return { kind: 'map', values: resolve(schema.values, namespace, names) };
    case 'record':
    case 'error':
    case 'enum':
    case 'fixed':
      return define(schema, namespace, names);
    default: {
      const node = resolve(schema.type, namespace, names);
      return node.kind === 'primitive' ? { ...node, ...logical(schema) } : node;
    }
  }
}

function reference(name: string, namespace: string, names: Map<string, AvroNode>): AvroNode {
  const primitive = PRIMITIVES.find((known) => known === name);
  if (primitive) return { kind: 'primitive', type: primitive };
  const node = names.get(qualify(name, namespace));
  if (!node) throw new Error(`undefined type name: ${name}`);
  return node;
}

function define(schema: RawSchema, outer: string, names: Map<string, AvroNode>): AvroNode {
  const name = qualify(schema.name, schema.namespace ?? outer);
  const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
  const named = {
    name,
    aliases: (schema.aliases ?? []).map((alias) => qualify(alias, namespace)),
    ...(schema.doc === undefined ? {} : { doc: schema.doc }),
  };
  if (schema.type === 'enum') {
    const fallback = typeof schema.default === 'string' ? { default: schema.default } : {};
    return remember(names, { kind: 'enum', ...named, symbols: schema.symbols, ...fallback });
  }
  if (schema.type === 'fixed') {
    return remember(names, { kind: 'fixed', ...named, size: schema.size, ...logical(schema) });
  }
  // Known before its fields are read: a field may be of the record's own type.
  const record = remember(names, { kind: 'record', ...named, fields: [] as AvroField[] });
  for (const field of schema.fields) {
    record.fields.push({
      name: field.name,
      aliases: field.aliases ?? [],
      ...(field.doc === undefined ? {} : { doc: field.doc }),
      hasDefault: field.default !== undefined,
      type: resolve(field.type, namespace, names),
    });
  }
  return record;
}

function remember<N extends RecordNode | EnumNode | FixedNode>(names: Map<string, AvroNode>, node: N): N {
  names.set(node.name, node);
  return node;
}

function logical({ logicalType, precision, scale }: Logical): Logical {
  return {
    ...(logicalType === undefined ? {} : { logicalType }),
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  };
}

function qualify(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

/** The last part of a full name: `parcels.ShipmentBooked` → `ShipmentBooked`. */
export function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}
