/** Something of the language that has no meaning for the stack under test, found while a script runs. */
export class Unsupported extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Unsupported';
  }
}

/** The script is at odds with itself or with the stack: an argument of the wrong kind, a result that differs. */
export class Difference extends Error {
  readonly expected: string;
  readonly actual: string;

  constructor(message: string, expected = '', actual = '') {
    super(message);
    this.name = 'Difference';
    this.expected = expected;
    this.actual = actual;
  }
}
