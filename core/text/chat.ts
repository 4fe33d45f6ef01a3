/**
 * A notice as chat programs take it, with nothing in it that they would understand: a helpdesk's words may be part of it.
 * Sources: https://docs.slack.dev/messaging/formatting-message-text, https://adaptivecards.io/explorer/TextRun.html
 */

/** Longer ones are refused, or cut where nobody sees it. Characters. */
const longest = 2_900;

/** For an incoming webhook of Slack: no mention, link or format is made of the text. */
export function slackMessage(subject: string, text: string): object {
  const plain = (words: string): object => ({ type: 'plain_text', text: words, emoji: false });
  return {
    // Shown in notifications, where only these three characters mean something.
    text: subject.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    blocks: [
      { type: 'header', text: plain(cut(subject, 150)) },
      { type: 'section', text: plain(cut(text, longest)) },
    ],
  };
}

/** For a webhook of Teams: a card of text runs, in which Markdown is not read. */
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

/** On a character, and said. */
function cut(text: string, most: number): string {
  const points = Array.from(text);
  return points.length <= most ? text : `${points.slice(0, most - 1).join('')}…`;
}
