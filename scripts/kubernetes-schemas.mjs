// Writes packages/walpost/export/kubernetes/schemas.generated.ts: what `walpost export kubernetes --check` holds the files
// against. Of three clones of others, each read at the release that is named here: Kubernetes' own OpenAPI (its Python client
// carries it; the repository itself is two gigabytes), and the resource definitions of Strimzi and of KEDA.
//
// Usage: node scripts/kubernetes-schemas.mjs <clone of kubernetes-client/python> <of strimzi/strimzi-kafka-operator> <of kedacore/keda>
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parse } from 'yaml';

const RELEASES = { kubernetes: 'v36.0.3', strimzi: '1.2.0', keda: 'v2.20.2' };
/** The kinds of Kubernetes that are written, by their definitions. */
const KINDS = ['apps.v1.Deployment', 'batch.v1.Job', 'core.v1.Service', 'networking.v1.NetworkPolicy'].concat(
  'policy.v1.PodDisruptionBudget',
);
/** Where the definitions of the other kinds are. */
const CRDS = {
  strimzi: ['041-Crd-kafkaconnect', '043-Crd-kafkatopic', '044-Crd-kafkauser', '047-Crd-kafkaconnector'].map(
    (name) => `install/cluster-operator/${name}.yaml`,
  ),
  keda: ['scaledobjects', 'triggerauthentications'].map((name) => `config/crd/bases/keda.sh_${name}.yaml`),
};
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
/** Words for people and for the server only. */
const DROPPED = /^(description|example|default|format|x-kubernetes-.*)$/;

const [kubernetes, strimzi, keda] = process.argv.slice(2);
if (!keda) {
  console.error('name three clones: kubernetes-client/python, strimzi/strimzi-kafka-operator, kedacore/keda');
  process.exit(2);
}
const clones = { kubernetes, strimzi, keda };
const { definitions: all } = JSON.parse(show('kubernetes', 'kubernetes/swagger.json.unprocessed'));
const definitions = {};
const roots = {};

for (const name of KINDS) {
  const definition = all[`io.k8s.api.${name}`];
  const [{ group, version, kind }] = definition['x-kubernetes-group-version-kind'];
  addRoot(group ? `${group}/${version}` : version, kind, definition);
}
for (const [project, paths] of Object.entries(CRDS)) {
  for (const path of paths) {
    const { group, names, versions } = parse(show(project, path)).spec;
    for (const { name, schema } of versions) addRoot(`${group}/${name}`, names.kind, schema.openAPIV3Schema);
  }
}
const line = ([name, schema]) => `  ${JSON.stringify(name)}: ${JSON.stringify(schema)},`;
const text = `// Written by scripts/kubernetes-schemas.mjs of Kubernetes' OpenAPI (client ${RELEASES.kubernetes}), Strimzi ${RELEASES.strimzi} and KEDA
// ${RELEASES.keda}, all Apache-2.0. Every object that says its fields takes no others.

/** The schema of each kind, by its version and its name. */
export const kinds: Readonly<Record<string, object>> = {
${Object.entries(roots).map(line).join('\n')}
};

/** What they refer to. */
export const definitions: Readonly<Record<string, object>> = {
${Object.entries(definitions).sort().map(line).join('\n')}
};
`;
writeFileSync(new URL('../packages/walpost/export/kubernetes/schemas.generated.ts', import.meta.url), text);

function show(project, path) {
  const { [project]: clone } = clones;
  return execFileSync('git', ['-C', clone, 'show', `${RELEASES[project]}:${path}`], {
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
}

function addRoot(apiVersion, kind, { properties: { status: _, ...properties }, ...schema }) {
  roots[`${apiVersion} ${kind}`] = strict({
    ...schema,
    properties: {
      ...properties,
      apiVersion: { const: apiVersion },
      kind: { const: kind },
      metadata: { $ref: `#/definitions/${META}` },
    },
    // The server would take a Deployment without a spec for one that has nothing.
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
  });
}

/** A schema as JSON Schema has it, closed, with what it refers to. @param branch whether it is one of several, which close nothing */
function strict(schema, branch = false) {
  if (schema.$ref) return refer(schema.$ref);
  if (schema['x-kubernetes-int-or-string'])
    return { type: ['integer', 'string'], ...pick(schema, 'pattern') };
  const open = schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties || branch;
  const kept = Object.entries(schema).filter(([key]) => !DROPPED.test(key));
  return {
    ...Object.fromEntries(kept.map(([key, value]) => [key, inside(key, value)])),
    ...(schema.properties && !open && { additionalProperties: false }),
  };
}

function inside(key, value) {
  if (key === 'properties')
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, strict(each)]));
  if (key === 'oneOf' || key === 'anyOf' || key === 'allOf') return value.map((each) => strict(each, true));
  return key === 'items' || key === 'not' || (key === 'additionalProperties' && value !== true)
    ? strict(value)
    : value;
}

function refer($ref) {
  const name = $ref.slice('#/definitions/'.length);
  // Written as text, and taken as a number too.
  if (/\.(Quantity|IntOrString)$/.test(name)) return { type: ['number', 'string'] };
  if (!definitions[name]) {
    definitions[name] = {};
    definitions[name] = strict(all[name]);
  }
  return { $ref };
}

function pick(object, key) {
  return object[key] === undefined ? {} : { [key]: object[key] };
}
