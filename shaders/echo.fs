/*{
  "DESCRIPTION": "Past silhouettes follow the dancer, lit at their rims, a colour each.",
  "CREDIT": "DanceNet live, after Norman McLaren's Pas de deux",
  "ISFVSN": "2",
  "CATEGORIES": ["Time"],
  "DANCENET": {"PLACE": 60},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "dancers", "TYPE": "image", "LABEL": "Bodies that are echoed"},
    {"NAME": "copies", "TYPE": "float", "LABEL": "How many echoes", "MIN": 0.0, "MAX": 5.0, "DEFAULT": 5.0},
    {"NAME": "gap", "TYPE": "float", "LABEL": "From echo to echo, seconds", "MIN": 0.04, "MAX": 0.35, "DEFAULT": 0.2},
    {"NAME": "spread", "TYPE": "float", "LABEL": "Each echo stands so far aside, heights", "MIN": -0.25, "MAX": 0.25, "DEFAULT": 0.05},
    {"NAME": "rim", "TYPE": "float", "LABEL": "Lit at the rim only, not filled", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.88},
    {"NAME": "body", "TYPE": "float", "LABEL": "How much of the body itself is filled", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {"TARGET": "now", "WIDTH": "floor($WIDTH/$HEIGHT*(7700.0+0.0112*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((7700.0+0.0112*$HEIGHT*$HEIGHT)^0.5)"},
    {"TARGET": "past", "PERSISTENT": true, "WIDTH": "4*floor($WIDTH/$HEIGHT*(7700.0+0.0112*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "4*floor((7700.0+0.0112*$HEIGHT*$HEIGHT)^0.5)"},
    {}
  ]
}*/

#if defined(GL_ES) && __VERSION__ < 300
#extension GL_OES_standard_derivatives : enable  // fwidth, in a browser
#endif

// The past is an atlas of 4 x 4 tiles, four moments in the channels of each: 64 moments, 30 a second.
// Their lines are 88 at least, for a small picture, and 144 for one of 1080. Tiles are small and soft; a cut as fine as the
// picture's pixels makes them crisp again.

const float MOMENTS = 64.0;
const float RATE = 30.0;

float luma(vec3 colour) {
    return dot(colour, vec3(0.299, 0.587, 0.114));
}

float moment(vec2 p, float index) {
    float tile = floor(index / 4.0);
    vec2 inside = clamp(p, vec2(0.008), vec2(0.992));
    vec2 place = (vec2(mod(tile, 4.0), floor(tile / 4.0)) + inside) / 4.0;
    vec4 four = IMG_NORM_PIXEL(past, place);
    vec4 channel = vec4(equal(vec4(index - 4.0 * tile), vec4(0.0, 1.0, 2.0, 3.0)));
    return dot(four, channel);
}

// Lays the echo of `back` gaps ago over the light so far; alpha is how much of the picture it covers.
vec4 over(vec4 light, vec2 p, float back, vec3 colour) {
    float share = clamp(copies + 1.0 - back, 0.0, 1.0);
    float now_at = floor(IMG_NORM_PIXEL(clock, vec2(0.5)).r);
    vec2 at = vec2(p.x - back * spread * RENDERSIZE.y / RENDERSIZE.x, p.y);
    float value = moment(at, mod(now_at - floor(back * gap * RATE), MOMENTS));
    float inside = clamp(0.5 + (value - 0.5) / max(1.4 * fwidth(value), 0.02), 0.0, 1.0);
    // A rim is as wide whatever the tiles' lines: the fewer they are, the softer.
    float filled = clamp(1325.0 / IMG_SIZE(past).y * (value - 0.5), 0.0, 1.0);
    float lit = share * inside * (1.0 - rim * 0.95 * filled);
    return vec4(light.rgb * (1.0 - 0.8 * lit) + colour * lit, max(light.a, lit));
}

void main() {
    vec2 p = isf_FragNormCoord;
    if (PASSINDEX == 0) {
        float before = IMG_NORM_PIXEL(clock, vec2(0.5)).r;
        float after = before + RATE * clamp(TIMEDELTA, 0.0, 0.5);
        gl_FragColor = vec4(mod(after, MOMENTS), floor(after) - floor(before), 0.0, 1.0);
        return;
    }
    if (PASSINDEX == 1) {
        // The bodies, softened to what a tile can hold.
        float sum = 0.0;
        for (int i = 0; i < 16; i++) {
            vec2 at = vec2(mod(float(i), 4.0), floor(float(i) / 4.0)) - 1.5;
            // Those at the back are dimmer, and covered all the same.
            sum += min(1.35 * luma(IMG_NORM_PIXEL(dancers, p + 0.8 * at / RENDERSIZE).rgb), 1.0);
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
    // The oldest first: tide, violet, rose, ember, amber, and the body as it is now in bone.
    vec4 light = over(vec4(0.0), p, 5.0, vec3(0.08, 0.48, 0.53));
    light = over(light, p, 4.0, vec3(0.45, 0.26, 0.66));
    light = over(light, p, 3.0, vec3(0.78, 0.25, 0.40));
    light = over(light, p, 2.0, vec3(1.00, 0.34, 0.20));
    light = over(light, p, 1.0, vec3(1.00, 0.70, 0.28));
    light = over(light, p, 0.0, vec3(1.00, 0.98, 0.92));
    vec4 picture = IMG_THIS_PIXEL(inputImage);
    // The body itself is drawn as its echoes are, and by `body` as it came.
    vec4 bodies = IMG_THIS_PIXEL(dancers);
    float here = min(bodies.a, 2.0 * luma(bodies.rgb));
    vec3 under = picture.rgb * (1.0 - here * (1.0 - body));
    light *= 1.0 - here * body;
    gl_FragColor = vec4(under + light.rgb * (1.0 - under), max(picture.a, light.a));
}
