/**
 * Formats a notice for chat programs so that nothing in it is interpreted as markup: it may contain a helpdesk's words.
 * Sources: https://docs.slack.dev/messaging/formatting-message-text, https://adaptivecards.io/explorer/TextRun.html
 */

/** Longer texts are refused, or cut without notice. Characters. */
const longest = 2_900;

/** Builds the body for a Slack incoming webhook: no mention, link or format is interpreted. */
export function slackMessage(subject: string, text: string): object {
  const plain = (words: string): object => ({ type: 'plain_text', text: words, emoji: false });
  return {
    // Shown in notifications, where only these three characters are special.
    text: subject.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    blocks: [
      { type: 'header', text: plain(cut(subject, 150)) },
      { type: 'section', text: plain(cut(text, longest)) },
    ],
  };
}

/** Builds the body for a Teams webhook: a card of text runs, which do not interpret Markdown. */
export function teamsMessage(subject: string, text: string): object {
  const line = (words: string, more: object): object => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text: cut(words, longest), ...more }],
  });
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [line(subject, { weight: 'Bolder' }), line(text, {})],
        },
      },
    ],
  };
}

/** Cuts between characters and marks the cut. */
function cut(text: string, most: number): string {
  const points = Array.from(text);
  return points.length <= most ? text : `${points.slice(0, most - 1).join('')}…`;
}
