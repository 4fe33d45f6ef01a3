/**
 * Kubernetes sets variables for every Service of a namespace, and Docker's old links do the same: for one called `ferry`
 * they begin with FERRY_. Nobody typed them, so they are neither settings nor typing mistakes.
 * Source: https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
 */
const address = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/i;

type Shape = { readonly name: RegExp; readonly value: RegExp };

/** What comes before is the Service's own name, FERRY or FERRY_GATEWAY for instance. */
const shapes: readonly Shape[] = [
  { name: /_SERVICE_HOST$/, value: /^\S+$/ },
  { name: /_SERVICE_PORT(?:_[A-Z\d_]+)?$/, value: /^\d+$/ },
  { name: /_PORT$/, value: address },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)$/, value: address },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)_PROTO$/, value: /^(?:tcp|udp|sctp)$/i },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)_PORT$/, value: /^\d+$/ },
  { name: /_PORT_\d+_(?:TCP|UDP|SCTP)_ADDR$/, value: /^\S+$/ },
];

/** Whether a variable tells where a Service is, instead of setting anything. */
export function isServiceLink(name: string, value: string): boolean {
  return shapes.some((shape) => shape.name.test(name) && shape.value.test(value.trim()));
}
