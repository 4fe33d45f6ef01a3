/**
 * A rule for the linter: how many lines of its own a function may have. Blank lines, comments and the bodies of functions
 * inside it do not count; those count for themselves. A template, such as a statement in SQL, is one line. So a factory may
 * have as many small functions as it gives away, and none may hide a long story.
 */
export const functionLength = {
  meta: { schema: [{ type: 'object', properties: { max: { type: 'integer' } }, additionalProperties: false }] },
  create(context) {
    const { max = 60 } = context.options[0] ?? {};
    const { sourceCode } = context;
    const open = [];
    const silent = new Set();
    const enter = (node) => {
      open.push({ node, inner: new Set() });
    };
    const leave = () => {
      const { node, inner } = open.pop();
      const { start, end } = node.loc;
      let own = 0;
      for (let line = start.line; line <= end.line; line += 1)
        if (!inner.has(line) && !silent.has(line) && sourceCode.lines[line - 1].trim() !== '') own += 1;
      if (own > max)
        context.report({ node, message: `This function has ${own} lines of its own; ${max} are the most. Divide it.` });
      const around = open.at(-1)?.inner;
      for (let line = start.line + 1; line <= end.line; line += 1) around?.add(line);
    };
    return {
      Program() {
        for (const { loc } of sourceCode.getAllComments())
          for (let line = loc.start.line; line <= loc.end.line; line += 1)
            if (isAlone(sourceCode.lines[line - 1], loc, line)) silent.add(line);
      },
      TemplateLiteral({ loc: { start, end } }) {
        for (let line = start.line + 1; line <= end.line; line += 1) silent.add(line);
      },
      FunctionDeclaration: enter,
      FunctionExpression: enter,
      ArrowFunctionExpression: enter,
      'FunctionDeclaration:exit': leave,
      'FunctionExpression:exit': leave,
      'ArrowFunctionExpression:exit': leave,
    };
  },
};

/** Nothing but the comment is on the line. */
function isAlone(text, { start, end }, line) {
  const before = line === start.line ? text.slice(0, start.column) : '';
  const after = line === end.line ? text.slice(end.column) : '';
  return before.trim() === '' && after.trim() === '';
}
