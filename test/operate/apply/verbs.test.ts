import { applyLinks } from '#operate/apply/apply.ts';
import { goodYaml } from '#test/cli/support.ts';
import { changes } from '#test/operate/verb-cases.ts';
import { link } from '#test/operate/workplace.ts';

changes([
  {
    name: 'apply',
    verb: (operator, { secrets }) =>
      applyLinks(
        operator,
        goodYaml.replace('{ from: Done, to: Resolved }', '{ from: Done, to: With supplier }'),
        secrets,
      ),
    what: 'apply',
    subject: `links/${link}`,
    difference: {
      changes: [
        {
          op: 'change',
          path: 'links.acme-northwind.customer.inbound.statuses[1].to',
          before: 'Resolved',
          after: 'With supplier',
        },
      ],
    },
  },
]);
