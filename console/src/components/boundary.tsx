/** What a page that cannot be drawn leaves: the reason, and what to do next, in place of an empty window. */
import { Component, type ReactNode } from 'react';

import { Problem } from './states';

interface Props {
  /** Another path is another try. */
  path: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidUpdate(before: Props) {
    if (before.path !== this.props.path && this.state.error !== undefined) this.setState({ error: undefined });
  }

  override render() {
    const { error } = this.state;
    return error === undefined ? this.props.children : <Problem error={error} retry={() => location.reload()} />;
  }
}
