const newline = 10;

/**
 * Reads JSON values that stand a line each. What stands after the last line's end is left out: the stream was cut there.
 * @throws SyntaxError for a line that is no JSON, Error for one that is too long
 */
export async function* jsonLines(chunks: AsyncIterable<Buffer>, longestLineBytes: number): AsyncGenerator<unknown> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      parts.push(chunk.subarray(start, end));
      const line = Buffer.concat(parts).toString();
      parts = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== "") yield JSON.parse(line);
    }
    const rest = chunk.subarray(start);
    length += rest.length;
    if (length > longestLineBytes) throw new Error(`a line is longer than ${longestLineBytes} bytes`);
    if (rest.length > 0) parts.push(rest);
  }
}
