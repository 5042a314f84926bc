// Roads as travel-time servers tell them, where they do: encoded polylines of five decimals. Elsewhere routes are straight.
window.MapRoads = class {
  static decode(text) {
    const points = [];
    const sum = [0, 0];
    for (let at = 0; at < text.length;) {
      for (const axis of [0, 1]) {
        let value = 0;
        let part;
        for (let shift = 0; ; shift += 5) {
          part = text.charCodeAt(at++) - 63;
          value |= (part & 31) << shift;
          if (!(part >= 32)) break; // also at the end of a text that was cut off
        }
        sum[axis] += value & 1 ? ~(value >> 1) : value >> 1;
      }
      points.push([sum[0] / 1e5, sum[1] / 1e5]);
    }
    return points;
  }
  // From stop to stop, `roads` by "pk-pk".
  static along(stops, roads) {
    return stops.flatMap((stop, n) => [...((n && roads?.get(`${stops[n - 1].pk}-${stop.pk}`)) || []), stop.at]);
  }
  // What lies ahead of a position: the road from where it is nearest.
  static rest(road, position) {
    if (!road || road.length < 2) return [position];
    const narrow = Math.cos((position[0] * Math.PI) / 180);
    const distances = road.slice(1).map((end, n) => MapRoads.distance(position, road[n], end, narrow));
    return [position, ...road.slice(distances.indexOf(Math.min(...distances)) + 1)];
  }
  // In degrees of latitude, squared; `narrow` is what a degree of longitude is of one of latitude.
  static distance(point, begin, end, narrow) {
    const [x, y] = [(end[1] - begin[1]) * narrow, end[0] - begin[0]];
    const [a, b] = [(point[1] - begin[1]) * narrow, point[0] - begin[0]];
    const share = Math.max(0, Math.min(1, (a * x + b * y) / (x * x + y * y || 1)));
    return (a - share * x) ** 2 + (b - share * y) ** 2;
  }
};
