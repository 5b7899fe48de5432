import { maskNumber, maskNumbers } from '../../core/redact.ts';

/** Whether a text that should be a number is one, with spaces and dashes perhaps: in any other text these could be anything. */
export function isWritten(text: string): boolean {
  return /^\+?\d[\d\s().-]{3,40}\d$/.test(text);
}

/** Masked as it is written. */
export function maskWritten(number: string): string {
  const masked = [...maskNumber(number.replaceAll(/[^+\d]/g, ''))];
  return number.replaceAll(/[+\d]/g, () => masked.shift() as string);
}

/** Masks everything in a text that looks like a phone number, and these, however they are written. */
export function maskAll(text: string, numbers: readonly (string | null)[]): string {
  let masked = maskNumbers(text);
  for (const number of numbers) {
    if (number === null || !isWritten(number)) continue;
    // JSON may have the plus as an escape.
    masked = masked.replaceAll(number.replace(/^\+/, ''), maskWritten(number).replace(/^\+/, ''));
  }
  return masked;
}
