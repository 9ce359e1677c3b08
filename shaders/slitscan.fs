/*{
  "DESCRIPTION": "Each part of the body is seen at another time, so that every move runs through it as a wave.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Time"],
  "DANCENET": {"PLACE": 20},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "depth", "TYPE": "float", "LABEL": "How far back the latest part is, seconds", "MIN": 0.0, "MAX": 1.9, "DEFAULT": 1.0},
    {"NAME": "way", "TYPE": "long", "LABEL": "Where the past is", "VALUES": [0, 1, 2, 3, 4], "LABELS": ["head", "feet", "side", "limbs", "waves"], "DEFAULT": 0},
    {"NAME": "colour", "TYPE": "float", "LABEL": "How much the past is tinted", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.8}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {"TARGET": "now", "WIDTH": "floor($WIDTH/$HEIGHT*(9500.0+0.0138*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((9500.0+0.0138*$HEIGHT*$HEIGHT)^0.5)"},
    {"TARGET": "past", "PERSISTENT": true, "WIDTH": "4*floor($WIDTH/$HEIGHT*(9500.0+0.0138*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "4*floor((9500.0+0.0138*$HEIGHT*$HEIGHT)^0.5)"},
    {}
  ]
}*/

#if defined(GL_ES) && __VERSION__ < 300
#extension GL_OES_standard_derivatives : enable  // fwidth, in a browser
#endif

// The past is an atlas of 4 x 4 tiles, four moments in the channels of each: 64 moments, 30 a second.
// Two moments next to each other are mixed while they are soft, and cut once: a body between them, not two.

const float MOMENTS = 64.0;
const float RATE = 30.0;

float luma(vec3 colour) {
    return dot(colour, vec3(0.299, 0.587, 0.114));
}

float moment(vec2 p, float index) {
    float tile = floor(index / 4.0);
    vec2 place = (vec2(mod(tile, 4.0), floor(tile / 4.0)) + p) / 4.0;
    vec4 four = IMG_NORM_PIXEL(past, place);
    vec4 channel = vec4(equal(vec4(index - 4.0 * tile), vec4(0.0, 1.0, 2.0, 3.0)));
    return dot(four, channel);
}

vec3 ramp(float part) {
    vec3 colour = mix(vec3(0.95, 0.92, 0.85), vec3(1.00, 0.70, 0.28), smoothstep(0.02, 0.25, part));
    colour = mix(colour, vec3(1.00, 0.35, 0.21), smoothstep(0.22, 0.50, part));
    colour = mix(colour, vec3(0.84, 0.27, 0.44), smoothstep(0.48, 0.74, part));
    return mix(colour, vec3(0.36, 0.27, 0.78), smoothstep(0.72, 1.0, part));
}

void main() {
    vec2 p = isf_FragNormCoord;
    if (PASSINDEX == 0) {
        vec4 before = IMG_NORM_PIXEL(clock, vec2(0.5));
        float dt = clamp(TIMEDELTA, 0.0, 0.5);
        float after = before.r + RATE * dt;
        gl_FragColor = vec4(mod(after, MOMENTS), floor(after) - floor(before.r), fract(before.b + dt / 9.0), 1.0);
        return;
    }
    if (PASSINDEX == 1) {
        // The bodies, softened to what a tile can hold.
        float sum = 0.0;
        for (int i = 0; i < 16; i++) {
            vec2 at = vec2(mod(float(i), 4.0), floor(float(i) / 4.0)) - 1.5;
            sum += luma(IMG_NORM_PIXEL(inputImage, p + 0.55 * at / RENDERSIZE).rgb);
        }
        gl_FragColor = vec4(sum / 16.0);
        return;
    }
    vec4 time = IMG_NORM_PIXEL(clock, vec2(0.5));
    if (PASSINDEX == 2) {
        vec2 tile = floor(p * 4.0);
        vec4 ago = mod(floor(time.r) - (4.0 * (tile.x + 4.0 * tile.y) + vec4(0.0, 1.0, 2.0, 3.0)), MOMENTS);
        // Every moment since the last frame is written, so that a slow frame leaves none that is stale.
        vec4 fresh = vec4(lessThan(ago, vec4(max(time.g, 1.0))));
        gl_FragColor = mix(IMG_THIS_PIXEL(past), vec4(IMG_NORM_PIXEL(now, fract(p * 4.0)).r), fresh);
        return;
    }
    float part = p.y;
    if (way == 1) part = 1.0 - p.y;
    if (way == 2) part = p.x;
    if (way == 3) part = min(1.0, 2.2 * length((p - vec2(0.5, 0.45)) * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0)));
    if (way == 4) part = 0.5 + 0.5 * sin(6.2831853 * (2.0 * p.y - time.b));
    float back = part * depth * RATE;
    vec2 inside = clamp(p, vec2(0.008), vec2(0.992));
    float first = floor(back);
    float a = moment(inside, mod(floor(time.r) - first, MOMENTS));
    float b = moment(inside, mod(floor(time.r) - first - 1.0, MOMENTS));
    float value = mix(a, b, back - first);
    float fine = clamp(0.75 * fwidth(value), 0.01, 0.3);
    float body = smoothstep(0.5 - fine, 0.5 + fine, value);
    vec3 tone = mix(vec3(1.0), ramp(part * min(1.0, depth / 0.6)), colour);
    // A little darker towards the edges: it tells bodies apart that overlap.
    tone *= 0.6 + 0.4 * smoothstep(0.5, 0.97, value);
    gl_FragColor = vec4(tone * body, body);
}
