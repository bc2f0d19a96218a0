import { expect, test } from '@jest/globals';
import { currencyDigits } from '../currency.ts';

test.each([
  ['JPY', 0],
  ['UGX', 0],
  ['EUR', 2],
  ['HUF', 2],
  ['MGA', 2],
  ['MRU', 2],
  ['BHD', 3],
  ['IQD', 3],
  ['CLF', 4],
  // Of events from before the list lost it.
  ['HRK', 2],
])('the minor unit of %s has %i digits', (code, digits) => {
  expect(currencyDigits(code)).toBe(digits);
});
