/**
 * A rule for the linter: no pattern whose time can grow faster than the text it reads. It asks scslre, which knows three
 * ways: one quantifier against itself, two that trade characters, and a pattern that is tried again at every position.
 */
import { analyse } from 'scslre';

const ways = {
  Self: 'a quantifier can read the same text in several ways',
  Trade: 'two quantifiers can take the same characters from each other',
  Move: 'it is tried again at every position of a long run of the same characters',
};

const rule = {
  create(context) {
    const check = (node, source, flags) => {
      let reports;
      try {
        ({ reports } = analyse({ source, flags }, { reportTypes: { Move: true, Self: true, Trade: true } }));
      } catch {
        return;
      }
      const [first] = reports;
      if (first === undefined) return;
      const growth = first.exponential ? 'exponentially' : 'with the square of the text or faster';
      context.report({ node, message: `This pattern can take time that grows ${growth}: ${ways[first.type]}.` });
    };
    return {
      Literal(node) {
        if (node.regex) check(node, node.regex.pattern, node.regex.flags);
      },
      NewExpression(node) {
        const [source, flags] = node.arguments;
        if (node.callee.name !== 'RegExp' || source?.type !== 'Literal' || typeof source.value !== 'string') return;
        check(node, source.value, typeof flags?.value === 'string' ? flags.value : '');
      },
    };
  },
};

const plugin = { meta: { name: 'ferry' }, rules: { 'linear-regex': rule } };

// oxlint-disable-next-line import/no-default-export -- that is where the linter looks for it
export default plugin;
