const dottedQuad = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/** The address a dotted quad names, as an int32, or undefined when the text is anything else. */
export function readDottedQuad(text: string): number | undefined {
  const parts = dottedQuad.exec(text);
  if (parts === null) return undefined;
  let address = 0;
  for (let index = 1; index <= 4; index++) {
    const part = Number(parts[index]);
    if (part > 255) return undefined;
    address = (address << 8) | part;
  }
  return address;
}
