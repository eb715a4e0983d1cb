/** Lines of cells in columns, each as wide as its widest cell; numbers stand to the right. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const toRight = header.map((_, column) => rows.every((cells) => /^[\d.,]*( µs)?$/.test(cells[column] ?? '')));
  return lines.map((cells) =>
    cells
      .map((cell, column) => (toRight[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
