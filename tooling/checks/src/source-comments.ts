import ts from 'typescript';

/** A comment, or the title of a test, and what it stands in. */
export interface Remark {
  /** Without the characters that mark a comment, on one line. */
  readonly text: string;
  /** `isAcceptable`, `ReceiveWindow.advertise`, the title of a test; empty at the top of a file. */
  readonly place: string;
}

const TEST_CALLS = new Set(['it', 'test', 'describe']);

/** All comments of a source, in order. With `ofTests`, places are titles of tests, and the titles are remarks too. */
export function remarksOf(source: string, ofTests: boolean): Remark[] {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  const seen = new Set<number>();
  const remarks: Remark[] = [];

  const take = (ranges: readonly ts.CommentRange[] | undefined, place: string): void => {
    for (const { pos, end } of ranges ?? []) {
      if (seen.has(pos)) continue;
      seen.add(pos);
      remarks.push({ text: plain(source.slice(pos, end)), place });
    }
  };
  const visit = (node: ts.Node, outer: string): void => {
    if (ts.isJSDoc(node)) return; // seen as what stands in front of a token
    const title = ofTests ? testTitle(node) : null;
    const name = ofTests ? title : declaredName(node);
    const place = name === null ? outer : ofTests || outer === '' ? name : `${outer}.${name}`;
    if (title !== null) remarks.push({ text: title, place });
    const children = node.getChildren(file);
    for (const child of children) visit(child, place);
    if (children.length > 0) return;
    take(ts.getLeadingCommentRanges(source, node.getFullStart()), place);
    take(ts.getTrailingCommentRanges(source, node.getEnd()), place);
  };
  visit(file, '');
  return remarks;
}

/** The title of `it('…', …)`, `it.each(…)('…', …)`, or of the statement around it. */
function testTitle(node: ts.Node): string | null {
  if (!ts.isExpressionStatement(node) || !ts.isCallExpression(node.expression)) return null;
  let callee: ts.Expression = node.expression.expression;
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) callee = callee.expression;
  const [first] = node.expression.arguments;
  if (!ts.isIdentifier(callee) || !TEST_CALLS.has(callee.text) || first === undefined) return null;
  if (ts.isStringLiteralLike(first)) return first.text;
  return ts.isTemplateExpression(first) ? first.getText().slice(1, -1) : null;
}

function declaredName(node: ts.Node): string | null {
  if (ts.isVariableStatement(node)) {
    // Inside of a function it is the function that matters.
    return ts.isSourceFile(node.parent) ? node.declarationList.declarations[0]!.name.getText() : null;
  }
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const isNamed =
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isMethodSignature(node) ||
    ts.isGetAccessorDeclaration(node) ||
    ts.isSetAccessorDeclaration(node);
  return isNamed && node.name !== undefined ? node.name.getText() : null;
}

function plain(comment: string): string {
  return comment
    .replace(/^\/\*+|\*+\/$|^\/\//g, '')
    .replace(/\n\s*\*?/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
