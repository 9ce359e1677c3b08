/*{
  "DESCRIPTION": "A line of light passes; only what it passes is renewed, all else stays as it was.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Time"],
  "DANCENET": {"PLACE": 25},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "seconds", "TYPE": "float", "LABEL": "How long a pass takes, seconds", "MIN": 0.3, "MAX": 8.0, "DEFAULT": 2.4},
    {"NAME": "way", "TYPE": "long", "LABEL": "Where the line goes", "VALUES": [0, 1], "LABELS": ["across", "down"], "DEFAULT": 1},
    {"NAME": "line", "TYPE": "float", "LABEL": "How bright the line is", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.6},
    {"NAME": "now", "TYPE": "float", "LABEL": "How much of the body as it is now shines through", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.12}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {"TARGET": "kept", "PERSISTENT": true},
    {}
  ]
}*/

void main() {
    vec4 time = IMG_NORM_PIXEL(clock, vec2(0.5));
    if (PASSINDEX == 0) {
        // The line goes there and back again: a turn is two passes. Green is where it was a frame ago.
        float turn = fract(time.r + 0.5 * clamp(TIMEDELTA, 0.0, 0.1) / seconds);
        gl_FragColor = vec4(turn, abs(1.0 - 2.0 * time.r), abs(1.0 - 2.0 * turn), 1.0);
        return;
    }
    float place = way == 0 ? isf_FragNormCoord.x : isf_FragNormCoord.y;
    float fresh = step(min(time.g, time.b) - 0.004, place) * step(place, max(time.g, time.b) + 0.004);
    if (PASSINDEX == 1) {
        if (fresh > 0.5) gl_FragColor = IMG_THIS_PIXEL(inputImage);
        else gl_FragColor = IMG_THIS_PIXEL(kept);
        return;
    }
    vec4 old = IMG_THIS_PIXEL(kept);
    vec4 live = IMG_THIS_PIXEL(inputImage);
    float away = abs(place - time.b) * (way == 0 ? RENDERSIZE.x / RENDERSIZE.y : 1.0);
    float core = exp(-away * 420.0);
    float halo = exp(-away * 26.0);
    vec3 beam = line * (vec3(0.75, 0.95, 0.97) * core * (0.25 + 0.75 * live.a) + vec3(0.12, 0.71, 0.79) * halo * (0.10 + 0.35 * old.a));
    vec3 tinted = max(old.rgb, live.rgb * now * vec3(0.36, 0.27, 0.78) * 1.28);
    tinted = mix(tinted, tinted * vec3(0.55, 0.95, 1.0), line * halo * 0.6);
    gl_FragColor = vec4(tinted + min(beam, vec3(1.0)) * (1.0 - tinted), max(max(old.a, live.a * now), max(beam.g, beam.b)));
}
