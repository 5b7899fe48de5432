/** Texts that would do something where a page took them for more than text. */
export const HOSTILE: Record<string, string> = {
  'an image': '<img src=x onerror=alert(1)>',
  'a script': '</script><script>alert(1)</script>',
  'the end of title and style': '</title></style><iframe src="https://evil.example/"></iframe>',
  'a script URL': 'javascript:alert(1)',
  'the end of an attribute': `"><svg onload=alert(1)>`,
  'an attribute': `' onmouseover='alert(1)`,
  'a style sheet': '<link rel=stylesheet href=//evil.example/x.css>',
  'turned round': '\u202egnp.exe\u2066',
  'for a terminal': '\u001b[2J\u001b]52;c;ZXZpbA==\u0007',
  'a formula': '=HYPERLINK("https://evil.example/","x")',
  'a comment': '<!-- ',
  'a template': '{{7*7}}',
};
