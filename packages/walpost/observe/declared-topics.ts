import { heartbeatTopic, type TopicSpec } from '@walpost/kit/contract/topics';
import { contract } from '../../../schemas/contract.generated.ts';
import { observedServices } from './services.ts';

/** The declared topics, of events and of heartbeats; `walpost topics apply` makes them so. */
export const topics: readonly TopicSpec[] = [
  ...contract.topics,
  ...observedServices.flatMap(({ publishes }) => (publishes ? heartbeatTopic(publishes.connector) : [])),
];
