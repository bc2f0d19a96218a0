import * as listed from 'dinero.js/currencies';

/**
 * How many decimal digits the minor unit of a currency has, by its ISO 4217 code. Intl has digits of its own, which
 * follow what people write on price tags: 125000 Hungarian minor units are HUF 1,250.00 and not 125,000.
 */
const digits = new Map<string, number>(
  Object.values(listed).map(({ code, base, exponent }) => [
    code,
    // The ariary and the ouguiya have five parts; ISO 4217 writes them with two digits all the same.
    base === 10 ? exponent : 2,
  ]),
);

/** Decimal digits of a currency's minor unit; two for a code that the list does not have any more, as most had. */
export function currencyDigits(code: string): number {
  return digits.get(code) ?? 2;
}
