/** How a rendering may mark what it says; plain text where colour is off. */
export interface TableStyle {
  good: (text: string) => string;
  bad: (text: string) => string;
  warn: (text: string) => string;
  dim: (text: string) => string;
  strong: (text: string) => string;
}
