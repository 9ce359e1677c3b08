#version 330 core
// The dancer: a small soft field of coverage, sampled with a cubic B-spline and cut into a silhouette.
// The spline passes 8-bit steps on as smooth contours, where Catmull-Rom draws each of them as a bump.
// Where the field is steep, the cut is one pixel wide at any size: a clean edge without steps. Where it is flat near
// the cut (a limb the decoder is unsure of), it is wide: such ghosts fade in and out and do not flicker.
// Comes out premultiplied, with the coverage in alpha. Grey dancers have a field of tones besides.

uniform sampler2DArray fields;  // values 0..1, top row first, framed by one texel of what lies beyond the image
uniform vec2 size;              // of the picture, pixels
uniform int tones;              // how many layers behind a field its tones lie; 0: the body is white
uniform float fade;             // of a grey image's height: how far from its edges all has faded

flat in vec2 origin;    // top left corner of the field, pixels from the picture's top left; mirrored, its top right
flat in vec2 scale;     // pixels to one texel of the field; below 0 across: mirrored
flat in float layer;    // of the fields
flat in float tone;     // of the body
flat in float presence; // 0..1: fades in and out

layout(location = 0) out vec4 colour;

const float LEVEL = 0.46;       // of coverage; a little under half gives back what the spline takes off thin limbs
const float GHOST = 0.1;        // half the width of the cut, in coverage, where the field is flat
const float WIDEST = 0.4;       // half the width of the cut at most: under LEVEL - WIDEST lies nothing but ground
const float FLAT = 0.05;        // slopes a texel; a well decoded edge has 0.3 to 0.6
const float STEEP = 0.25;
const float EDGE = 0.8;         // half the width of the cut across a steep edge, pixels

// The spline's four samples each way, as two of the sampler's own: the sums of its weights, and places between texels.
float field(float x, float y, float layer) {
    return texture(fields, vec3(x, y, layer)).r;
}

float spline(vec2 place, float layer) {
    vec2 texels = vec2(textureSize(fields, 0).xy);
#ifdef FAR
    // The field holds the spline's own values already, and few pixels lie between two of them.
    return field(place.x / texels.x, place.y / texels.y, layer);
#else
    vec2 texel = floor(place - 0.5);
    vec2 t = place - 0.5 - texel;
    vec2 u = 1.0 - t;
    vec2 second = (4.0 - 3.0 * t * t * (2.0 - t)) / 6.0;
    vec2 fourth = t * t * t / 6.0;
    vec2 near = u * u * u / 6.0 + second;
    vec2 rest = 1.0 - near;
    vec2 a = (texel - 0.5 + second / near) / texels;
    vec2 b = (texel + 1.5 + fourth / rest) / texels;
    float above = near.x * field(a.x, a.y, layer) + rest.x * field(b.x, a.y, layer);
    float below = near.x * field(a.x, b.y, layer) + rest.x * field(b.x, b.y, layer);
    return near.y * above + rest.y * below;
#endif
}

void main() {
    vec2 pixel = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y);  // GL counts rows upwards
    vec2 place = (pixel - origin) / scale;
    float value = spline(place, layer);
    float slope = length(vec2(dFdx(value), dFdy(value)));        // a pixel
    float width = max(GHOST * (1.0 - smoothstep(FLAT, STEEP, slope * scale.y)), EDGE * slope);
    width = min(width, WIDEST);
    value = smoothstep(LEVEL - width, LEVEL + width, value);
    float body = tone;
    if (tones > 0) {
        vec2 last = vec2(textureSize(fields, 0).xy) - 2.0;
        vec2 within = clamp(min(place - 1.0, last + 1.0 - place) / (fade * last.y), 0.0, 1.0);
        within *= within * (3.0 - 2.0 * within);
        value *= within.x * within.y;  // what the image's edge cuts off shows no edge
        body *= spline(place, layer + float(tones));
    }
    colour = vec4(vec3(body), 1.0) * (value * presence);
}
