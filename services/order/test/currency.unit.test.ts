import { expect, test } from '@jest/globals';
import * as listed from 'dinero.js/currencies';
import { isCurrency, WITHDRAWN } from '../currency.ts';

test.each([
  ...['EUR', 'USD', 'JPY', 'XAF', 'XCD', 'XOF', 'XPF', 'XCG', 'XAD', 'SLE', 'VED', 'ZWG', 'CHE', 'UYW'].map(
    (code) => [code, true] as const,
  ),
  ...['ANG', 'BGN', 'BYR', 'CUC', 'HRK', 'LTL', 'MRO', 'SLL', 'STD', 'VEF', 'ZMK', 'ZWL', 'DEM', 'ITL'].map(
    (code) => [code, false] as const,
  ),
  ...['XAU', 'XAG', 'XDR', 'XTS', 'XXX', 'XSU', 'XUA', 'ABC', 'eur', '', '__proto__'].map(
    (code) => [code, false] as const,
  ),
])('%j is a currency today: %s', (code, expected) => {
  expect(isCurrency(code)).toBe(expected);
});

test('what is struck out by hand is still in the list: otherwise the hand is no longer needed', () => {
  expect(Object.keys(listed)).toEqual(expect.arrayContaining([...WITHDRAWN]));
});
