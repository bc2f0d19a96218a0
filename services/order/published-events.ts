import type { EventName } from '@walpost/kit/contract/contract';

/** The events that this service publishes: its outbox takes these, and its start learns their schema ids. */
export const publishedEvents: EventName[] = ['OrderCreated', 'OrderConfirmed', 'OrderCancelled'];
