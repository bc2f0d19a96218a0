import { defineConfig } from '@walpost/kit/config';
import { type ContractEntry, defineContract, type EventTopic } from '@walpost/kit/contract/contract';
import { root } from 'walpost/stack/paths';
import shop from '../../../../../walpost.config.ts';
import { connectorsOf } from '../../../connect/connector-config.ts';
import { type ConnectorFile, readConnectorFiles } from '../../../connect/connector-files.ts';
import { kubernetesFiles, yamlOf } from '../kubernetes-files.ts';
import type { Scope, Target } from '../resource.ts';

/** A system, and the connector files that it has. */
export interface Exported {
  readonly scope: Scope;
  readonly connectors: readonly ConnectorFile[];
}

export const target: Target = {
  namespace: 'live',
  cluster: 'events',
  image: 'registry.example/walpost:1',
  toolsImage: 'registry.example/walpost-tools:1',
  connectImage: 'registry.example/connect:1',
  replicationFactor: 3,
  registryUrl: 'http://registry:8080/apis/ccompat/v7',
  postgres: { host: 'postgres', port: 5432 },
  lag: 1_000,
  programs: { walpost: 'node_modules/.bin/walpost', console: 'dist/console/main.js' },
};

const entry: ContractEntry = {
  topic: 'shipment-events',
  name: 'ShipmentCreated',
  fullName: 'parcels.ShipmentCreated',
  schema: { type: 'record', name: 'ShipmentCreated', namespace: 'parcels', fields: [] },
};
const topic = 'shipment-events' as EventTopic;

/** As `npm create walpost` makes it: its publisher consumes nothing, its consumer publishes nothing. */
const parcels = defineConfig({
  name: 'parcels',
  contract: defineContract([entry]),
  services: {
    shipment: { port: 3000, publishes: topic, sample: { path: '/shipment', body: (n) => ({ n }) } },
    tracking: { port: 3001, consumes: [topic] },
  },
});

export const systems: Readonly<Record<'shop' | 'parcels', Exported>> = {
  shop: { scope: { system: shop, target }, connectors: readConnectorFiles(`${root}/connectors`, []) },
  parcels: { scope: { system: parcels, target }, connectors: connectorsOf(parcels) },
};

/** The files of an export, as texts. */
export function textsOf({ scope, connectors }: Exported): Record<string, string> {
  const files = Object.entries(kubernetesFiles(scope, connectors));
  return Object.fromEntries(files.map(([file, objects]) => [file, yamlOf(objects)]));
}
