/** What a call to the gateway is about. The same key always gets the same answer, and money moves once. */
export interface GatewayRequest {
  /** The payment id. */
  idempotencyKey: string;
  customerId: string;
  /** Minor units of the currency. */
  amount: number;
  /** ISO 4217 code. */
  currency: string;
}

export type Authorization = { authorized: true } | { authorized: false; reason: string };

/** The payment provider. A method that rejects is called again later with the same key. */
export interface PaymentGateway {
  /** Charges the customer, or says why not. */
  authorize(request: GatewayRequest, signal: AbortSignal): Promise<Authorization>;
  /** Gives back what was charged under this key. */
  refund(request: GatewayRequest, signal: AbortSignal): Promise<void>;
}
