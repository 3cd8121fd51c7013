/** Events over time as bars. Dragging over bars, or moving over them with the keyboard, chooses a time range. */
import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from 'react';

import { plural } from '../lib/text';
import { formatTime } from '../lib/time';

export interface Bar {
  /** When its interval begins, in seconds since the epoch. */
  time: number;
  count: number;
  /** How many of them failed, if it is known. */
  failed?: number;
}

interface Props {
  bars: Bar[];
  /** Length of an interval in seconds. */
  interval: number;
  start: number;
  end: number;
  height?: number;
  label: string;
  /** Chosen range, in seconds since the epoch. */
  onBrush?: ((from: number, to: number) => void) | undefined;
}

/** Every interval of the range, also those without events. */
export function fill(bars: Bar[], interval: number, start: number, end: number): Bar[] {
  const known = new Map(bars.map((bar) => [bar.time, bar]));
  const first = Math.floor(start / interval) * interval;
  const out: Bar[] = [];
  for (let time = first; time < end && out.length < 1000; time += interval) {
    out.push(known.get(time) ?? { time, count: 0 });
  }
  return out;
}

const WIDTH = 1000;

export function Histogram({ bars, interval, start, end, height = 96, label, onBrush }: Props) {
  const filled = useMemo(() => fill(bars, interval, start, end), [bars, interval, start, end]);
  const max = Math.max(1, ...filled.map((bar) => bar.count));
  const total = filled.reduce((sum, bar) => sum + bar.count, 0);
  const step = WIDTH / Math.max(1, filled.length);
  const box = useRef<SVGSVGElement>(null);
  const [anchor, setAnchor] = useState<number>();
  const [cursor, setCursor] = useState<number>();

  const indexAt = (event: PointerEvent) => {
    const rect = box.current?.getBoundingClientRect();
    if (rect === undefined || rect.width === 0) return 0;
    const index = Math.floor(((event.clientX - rect.left) / rect.width) * filled.length);
    return Math.min(filled.length - 1, Math.max(0, index));
  };
  const choose = (one: number, other: number) => {
    const [low, high] = one < other ? [one, other] : [other, one];
    const [from, to] = [filled[low], filled[high]];
    if (from !== undefined && to !== undefined) onBrush?.(from.time, to.time + interval);
    setAnchor(undefined);
    setCursor(undefined);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = cursor ?? filled.length;
    const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (move !== undefined) {
      const next = Math.min(filled.length - 1, Math.max(0, at + move));
      setAnchor(event.shiftKey ? (anchor ?? cursor ?? next) : undefined);
      setCursor(next);
    } else if ((event.key === 'Enter' || event.key === ' ') && cursor !== undefined) {
      choose(anchor ?? cursor, cursor);
    } else if (event.key === 'Escape' && cursor !== undefined) {
      setAnchor(undefined);
      setCursor(undefined);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const shown = cursor === undefined ? undefined : filled[cursor];
  const from = anchor === undefined ? shown : filled[Math.min(anchor, cursor ?? anchor)];
  const to = anchor === undefined ? shown : filled[Math.max(anchor, cursor ?? anchor)];
  const chosen = filled.filter(
    (bar) => from !== undefined && to !== undefined && bar.time >= from.time && bar.time <= to.time,
  );
  const text =
    from === undefined || to === undefined
      ? `${plural(total, 'event')} from ${formatTime(start)} to ${formatTime(end)}`
      : `${plural(
          chosen.reduce((sum, bar) => sum + bar.count, 0),
          'event',
        )} from ${formatTime(from.time)} to ${formatTime(to.time + interval)}`;
  const y = (count: number) => (count === 0 ? 0 : Math.max(2, (count / max) * (height - 4)));
  return (
    <div className="pm-histogram">
      <svg
        ref={box}
        viewBox={`0 0 ${WIDTH} ${height}`}
        height={height}
        preserveAspectRatio="none"
        role={onBrush ? 'slider' : 'img'}
        aria-label={
          onBrush ? `${label}. Arrow keys move, Shift extends, Enter filters by the range.` : `${label}: ${text}`
        }
        {...(onBrush
          ? {
              tabIndex: 0,
              'aria-valuemin': 0,
              'aria-valuemax': Math.max(0, filled.length - 1),
              'aria-valuenow': cursor ?? Math.max(0, filled.length - 1),
              'aria-valuetext': text,
              onKeyDown,
              onPointerDown: (event: PointerEvent) => {
                if (event.button !== 0) return;
                event.currentTarget.setPointerCapture(event.pointerId);
                setAnchor(indexAt(event));
                setCursor(indexAt(event));
              },
              onPointerUp: (event: PointerEvent) => {
                if (anchor !== undefined) choose(anchor, indexAt(event));
              },
            }
          : {})}
        onPointerMove={(event) => setCursor(indexAt(event))}
        onPointerLeave={() => {
          if (anchor === undefined) setCursor(undefined);
        }}
      >
        <rect className="pm-bar-floor" x={0} y={height - 1} width={WIDTH} height={1} />
        {chosen[0] !== undefined && (
          <rect
            className="pm-bar-brush"
            x={filled.indexOf(chosen[0]) * step}
            y={0}
            width={chosen.length * step}
            height={height}
          />
        )}
        {filled.map((bar, index) => {
          const [all, failed] = [y(bar.count), y(bar.failed ?? 0)];
          const x = index * step + step * 0.08;
          return (
            <g key={bar.time}>
              <rect className="pm-bar" x={x} y={height - all} width={step * 0.84} height={all} />
              {failed > 0 && (
                <rect className="pm-bar-failed" x={x} y={height - failed} width={step * 0.84} height={failed} />
              )}
            </g>
          );
        })}
      </svg>
      <div className="pm-histogram-axis" aria-hidden="true">
        <span>{formatTime(start)}</span>
        <strong>{text}</strong>
        <span>{formatTime(end)}</span>
      </div>
    </div>
  );
}
