/** How a trail does, in plain words. */
import Box from '@cloudscape-design/components/box';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { Trail } from '@aws-sdk/client-cloudtrail';

import { type TrailStatus, seconds } from '../../api/cloudtrail';
import { cut } from '../../lib/text';
import { formatAgo, formatTime } from '../../lib/time';

const S3_ERRORS: Record<string, string> = {
  NoSuchBucket: 'The bucket does not exist any more. Create it again, or choose another: what waits is then delivered.',
  AccessDenied:
    "The bucket refuses Pugmark's key. Put the trail's bucket policy back (Edit, “Put the right policy into the bucket”).",
  AllAccessDisabled: 'All access to the bucket is switched off.',
  NoSuchKey: 'The store says that a key is missing.',
  'KMS.DisabledException': 'The KMS key is disabled. Enable it, or choose another.',
  'KMS.NotFoundException': 'The KMS key does not exist any more. Choose another.',
  'KMS.AccessDeniedException': 'The KMS key may not be used. Allow it in the key policy, or choose another.',
};

const OTHER_ERRORS: Record<string, string> = {
  AuthorizationError: 'The topic refuses Pugmark. Allow cloudtrail.amazonaws.com to publish in its policy.',
  NotFound: 'It does not exist any more. Create it again, or choose another.',
  ResourceNotFoundException: 'The log group does not exist any more. Create it again, or choose another.',
  AccessDeniedException: 'The role may not write there. Check its policy.',
  AccessDenied: 'The role may not be assumed, or may not write there. Check its trust and its policy.',
};

/** What an error code means and what to do. */
export function plain(code: string, errors = S3_ERRORS): string {
  return errors[code] ?? 'It is tried again until it works.';
}

interface Line {
  label: string;
  type: StatusIndicatorProps.Type;
  text: string;
  help?: string;
}

/** One line for each part of a trail, worst news first said. */
export function lines(trail: Trail, status: TrailStatus, now: number): Line[] {
  const line = (
    label: string,
    at: Date | undefined,
    error: string | undefined,
    errors: Record<string, string>,
    never: string,
  ): Line => {
    if (error !== undefined && error !== '') {
      return { label, type: 'error', text: `Failing: ${cut(error, 200)}`, help: plain(error, errors) };
    }
    const time = seconds(at);
    return time === undefined
      ? { label, type: 'pending', text: never }
      : { label, type: 'success', text: `${formatAgo(time, now)} (${formatTime(time)})` };
  };
  const out: Line[] = [
    status.IsLogging === true
      ? { label: 'Logging', type: 'success', text: `On${since(status.StartLoggingTime)}` }
      : {
          label: 'Logging',
          type: 'stopped',
          text: `Off${since(status.StopLoggingTime)}`,
          help: 'Nothing is delivered. Start logging to record again from now on.',
        },
    line(
      'Last log file',
      status.LatestDeliveryTime,
      status.LatestDeliveryError,
      S3_ERRORS,
      'None yet: a log file follows the first event',
    ),
  ];
  if (trail.LogFileValidationEnabled === true) {
    out.push(
      line(
        'Last digest',
        status.LatestDigestDeliveryTime,
        status.LatestDigestDeliveryError,
        S3_ERRORS,
        'None yet: one is written each digest interval',
      ),
    );
  }
  if (trail.SnsTopicARN !== undefined) {
    out.push(
      line(
        'Last notification',
        status.LatestNotificationTime,
        status.LatestNotificationError,
        OTHER_ERRORS,
        'None yet',
      ),
    );
  }
  if (trail.CloudWatchLogsLogGroupArn !== undefined) {
    out.push(
      line(
        'CloudWatch Logs',
        status.LatestCloudWatchLogsDeliveryTime,
        status.LatestCloudWatchLogsDeliveryError,
        OTHER_ERRORS,
        'Nothing delivered yet',
      ),
    );
  }
  return out;
}

function since(date: Date | undefined): string {
  const time = seconds(date);
  return time === undefined ? '' : ` since ${formatTime(time)}`;
}

/** Integrity at a glance: whether digests prove the log files. */
export function Integrity({ trail, status }: { trail: Trail; status: TrailStatus | undefined }) {
  if (trail.LogFileValidationEnabled !== true) {
    return <StatusIndicator type="warning">Not proven</StatusIndicator>;
  }
  if (status?.LatestDigestDeliveryError) {
    return <StatusIndicator type="error">Digests fail</StatusIndicator>;
  }
  const time = seconds(status?.LatestDigestDeliveryTime);
  return time === undefined ? (
    <StatusIndicator type="pending">First digest to come</StatusIndicator>
  ) : (
    <StatusIndicator type="success">Proven until {formatTime(time)}</StatusIndicator>
  );
}

export function Logging({ status, problem }: { status: TrailStatus | undefined; problem?: unknown }) {
  if (status === undefined) {
    return <StatusIndicator type="warning">{problem === undefined ? 'Not known' : 'Status refused'}</StatusIndicator>;
  }
  if (status.IsLogging !== true) return <StatusIndicator type="stopped">Off</StatusIndicator>;
  const error = [
    status.LatestDeliveryError,
    status.LatestDigestDeliveryError,
    status.LatestNotificationError,
    status.LatestCloudWatchLogsDeliveryError,
  ].find((it) => it !== undefined && it !== '');
  return error === undefined ? (
    <StatusIndicator type="success">Logging</StatusIndicator>
  ) : (
    <StatusIndicator type="error">{cut(error, 100)}</StatusIndicator>
  );
}

export function statusItems(trail: Trail, status: TrailStatus, now: number) {
  return lines(trail, status, now).map(({ label, type, text, help }) => ({
    label,
    value: (
      <>
        <StatusIndicator type={type}>{text}</StatusIndicator>
        {help !== undefined && (
          <Box fontSize="body-s" color="text-body-secondary">
            {help}
          </Box>
        )}
      </>
    ),
  }));
}
