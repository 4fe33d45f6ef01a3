import { applyLinks } from '#operate/apply/apply.ts';
import { rollbackSettings } from '#operate/settings/rollback.ts';
import { goodYaml } from '#test/cli/support.ts';
import { changes } from '#test/operate/verb-cases.ts';
import { link } from '#test/operate/workplace.ts';

changes([
  {
    name: 'settings rollback',
    before: (place) =>
      applyLinks(place.as(), goodYaml.replace('Done, to: Resolved', 'Done, to: With supplier'), place.secrets),
    verb: (operator) => rollbackSettings(operator, `${link}/customer`, 1),
    what: 'rollback',
    subject: `links/${link}`,
    difference: {
      of: `links/${link}/customer`,
      to: 1,
      changes: [
        {
          op: 'change',
          path: `links.${link}.customer.inbound.statuses[1].to`,
          before: 'With supplier',
          after: 'Resolved',
        },
      ],
    },
  },
]);
